/** `npm run bench:isa`: what a GPU's compiler makes of every kernel that a model would run. No GPU is needed. */
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { runCommand } from '../../terminal/failure.ts';
import { parseCount, parseOutput } from '../../terminal/option_values.ts';
import { clearProgress, note, print, printJson, progress } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { compareRows, parseRows } from './compare.ts';
import type { Compiled } from './compile_shaders.ts';
import { type MachineCode, parseLog } from './machine_code.ts';
import { isaPage } from './page.ts';
import { configText, type Row, rowOf } from './row.ts';
import { parsePipelineLog } from './statistics.ts';

interface Options {
  readonly model: string;
  readonly batch: number;
  readonly gpus: string;
  readonly envScript?: string;
  readonly precision: string;
  readonly experimentalMatrices?: boolean;
  readonly failOnSpills?: boolean;
  readonly candidates?: boolean;
  readonly compare?: string;
  readonly html?: string;
  readonly markdown?: boolean;
  readonly json?: boolean;
}

const program = new Command('bench:isa')
  .description(
    "compile a model's kernels with a driver of Mesa and show registers, spills, occupancy and, of AMD's, the hottest loop",
  )
  .option('--model <name>', 'a built-in model; "tilewise models" lists their names', 'resnet50')
  .option('--batch <n>', 'images a run', parseCount, 1)
  .option(
    '--gpus <names>',
    'what to pass to the script, one after the other',
    'amd-navi31,apple-g13g,intel-tgl,nvidia-ampere',
  )
  .option(
    '--env-script <file>',
    'a shell script that prints, for a GPU\'s name, the "export" lines that make a process see it (or TILEWISE_ISA_ENV), as bench/isa/gpus/setup.sh does; other drivers than AMD\'s need a Vulkan layer among them that writes their statistics to $ISA_LOG; without a script, the GPU of this machine is used, which must be a Radeon on Mesa',
    process.env.TILEWISE_ISA_ENV,
  )
  .addOption(
    new Option('--precision <type>', 'of weights and maps').choices(['f32', 'f16']).default('f32'),
  )
  .option(
    '--experimental-matrices',
    'with --precision f16, also kernels for subgroup matrices, where the driver has them',
  )
  .option('--fail-on-spills', 'exit with 1 where a kernel that the plan runs spills registers')
  .option('--candidates', 'also compile the configurations that the plan does not choose')
  .option(
    '--compare <file>',
    'what --json printed before: shows what is another, and exits with 1 where a kernel that the plan runs got worse',
  )
  .option('--html <file>', 'write a page of tables and bars', parseOutput('.html'))
  .option('--markdown', 'print the table of docs/kernels.md')
  .option('--json', 'print one JSON object a pipeline on stdout, and nothing else')
  .action(benchIsa);

async function benchIsa(options: Options): Promise<void> {
  // A file that is none is to be heard of before minutes of compiling.
  const { compare } = options;
  const before =
    compare === undefined ? undefined : parseRows(readFileSync(compare, 'utf8'), compare);
  const gpus = options.envScript ? options.gpus.split(',') : ['this GPU'];
  const rows: Row[] = [];
  for (const gpu of gpus) {
    try {
      rows.push(...(await compileFor(gpu, options)));
    } catch (error) {
      note(`${gpu}: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
  clearProgress();
  if (options.json) for (const row of rows) printJson(row);
  else if (options.markdown) print(markdownTable(rows));
  else if (!before) print(formatTable(HEAD, rows.map(cellsOf)));
  if (options.html) writeFileSync(options.html, isaPage(options.model, rows));
  if (before) showChanges(before, rows, options.json ?? false);
  const spilling = rows.filter(({ chosen, spills }) => chosen && spills > 0);
  if (options.failOnSpills && spilling.length > 0) {
    note(`${spilling.length} of ${rows.length} pipelines spill registers`);
    process.exitCode = 1;
  }
}

/** On stdout, but beside JSON on stderr. */
function showChanges(before: readonly Row[], after: readonly Row[], json: boolean): void {
  const { compared, added, gone, changes } = compareRows(before, after);
  const cells = changes.map((change) => [
    change.gpu,
    change.layer,
    change.what,
    ...[change.before, change.after].map((value) => String(Number(value.toFixed(2)))),
    change.worse ? 'worse' : 'better',
  ]);
  const say = json ? note : print;
  if (cells.length > 0) {
    say(formatTable(['gpu', 'layer', 'figure', 'before', 'now', ''], cells));
  }
  const worse = changes.filter((change) => change.worse).length;
  say(
    `${compared} pipelines compared: ${worse} figures worse, ${changes.length - worse} better; ${added.length} pipelines are new, ${gone.length} gone`,
  );
  if (worse > 0 || compared === 0) process.exitCode = 1;
}

/** Compiles in a process of its own, whose stderr goes to a file: Node's pipes drop what a driver writes too fast. */
async function compileFor(gpu: string, options: Options): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tilewise-isa-'));
  const logFile = join(folder, 'log');
  const pipelineLog = join(folder, 'pipelines.jsonl');
  const log = openSync(logFile, 'w');
  try {
    const { code, lines } = await runCompiler(gpu, options, log, pipelineLog);
    const text = readFileSync(logFile, 'utf8');
    if (code !== 0) throw new Error(`compiling failed with exit code ${code}\n${lastLines(text)}`);
    const shaders = existsSync(pipelineLog)
      ? parsePipelineLog(readFileSync(pipelineLog, 'utf8'))
      : parseLog(text);
    return rowsOf(gpu, lines, shaders);
  } finally {
    closeSync(log);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With the script's variables set; `log` is the file that takes what it writes to stderr, ISA_LOG a layer's. */
async function runCompiler(
  gpu: string,
  options: Options,
  log: number,
  pipelineLog: string,
): Promise<{ readonly code: unknown; readonly lines: string }> {
  const script = join(import.meta.dirname, 'compile_shaders.ts');
  // The `node` that the script puts on the PATH, and no other that it would start.
  const compile = ['node', '--import', import.meta.resolve('tsx'), script];
  const args = [
    options.model,
    String(options.batch),
    options.precision,
    String(options.candidates ?? false),
    String(options.experimentalMatrices ?? false),
  ];
  // Positional parameters, so that no name is read as shell code.
  const shell = options.envScript
    ? 'set -e; exports=$(bash "$0" "$1"); eval "$exports"; shift; exec "$@"'
    : 'shift; exec "$@"';
  const child = spawn('bash', ['-c', shell, options.envScript ?? '-', gpu, ...compile, ...args], {
    env: { ...process.env, RADV_DEBUG: 'asm,shaderstats,nocache', ISA_LOG: pipelineLog },
    stdio: ['ignore', 'pipe', log],
  });
  let lines = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    lines += text;
    progress(`${gpu}: compiling, pipeline ${lines.split('\n').length}`, 0, undefined);
  });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  return { code, lines };
}

function rowsOf(gpu: string, lines: string, shaders: readonly MachineCode[]): readonly Row[] {
  const compiled = lines.split('\n').filter(Boolean);
  if (compiled.length !== shaders.length) {
    throw new Error(
      `${compiled.length} pipelines, but statistics of ${shaders.length}: only AMD's driver of Mesa prints them by itself; name a script that sets up a driver with --env-script`,
    );
  }
  return shaders.map((code, i) => rowOf(gpu, JSON.parse(compiled[i] ?? '{}') as Compiled, code));
}

const HEAD = [
  'gpu',
  'layer',
  'kernel',
  'configuration',
  'workgroups',
  'registers',
  'spills',
  'LDS',
  'waves',
  'fma',
  'fma/slot',
  'fma/load',
];

function cellsOf(row: Row): readonly (string | number)[] {
  return [
    row.gpu,
    row.layer,
    row.chosen ? row.kernel : `(${row.kernel})`,
    configText(row.config),
    row.workgroups,
    row.registers,
    row.spills,
    row.workgroupMemory,
    row.waves,
    row.loop?.multiplyAdds ?? 0,
    row.loop?.perSlot.toFixed(2) ?? '-',
    row.loop?.perLoad.toFixed(1) ?? '-',
  ];
}

/** One line for each kernel and configuration, with the worst of its layers. */
function markdownTable(rows: readonly Row[]): string {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.gpu}|${row.kernel}|${configText(row.config)}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const lines = [...groups].map(([key, members]) => {
    const worst = (pick: (loop: NonNullable<Row['loop']>) => number): string => {
      const values = members.flatMap(({ loop }) => (loop ? [pick(loop)] : []));
      return values.length > 0 ? Math.min(...values).toFixed(2) : '-';
    };
    const most = (pick: (row: Row) => number): number => Math.max(...members.map(pick));
    const waves = Math.min(...members.map((row) => row.waves));
    const cells = [members.length, most((r) => r.registers), most((r) => r.spills), waves];
    return `| ${key.replaceAll('|', ' | ')} | ${cells.join(' | ')} | ${worst((l) => l.perSlot)} | ${worst((l) => l.perLoad)} |`;
  });
  return [
    '| GPU | kernel | configuration | pipelines | registers | spills | waves | fma / slot | fma / load |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-5).join('\n');
}

await runCommand(() => program.parseAsync());
