/** `npm run bench:isa`: what a GPU's compiler makes of every kernel that a model would run. No GPU is needed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { findModel } from '../../src/index.ts';
import { runCommand } from '../../terminal/failure.ts';
import { parseCount, parseOutput } from '../../terminal/option_values.ts';
import { clearProgress, note, print, printJson } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { isFile } from '../results/peer_models.ts';
import { compareRows, parseRows } from './compare.ts';
import { type CompileOptions, checkPeer, compileFor, compilePeer } from './compile.ts';
import { gpusOf } from './gpu_process.ts';
import { isaPage } from './page.ts';
import { configText, type Row } from './row.ts';
import { type Summary, summaryOf } from './summary.ts';

interface Options extends CompileOptions {
  readonly gpus: string;
  readonly peer?: boolean;
  readonly summary?: boolean;
  readonly failOnSpills?: boolean;
  readonly compare?: string;
  readonly html?: string;
  readonly markdown?: boolean;
  readonly json?: boolean;
}

const program = new Command('bench:isa')
  .description(
    "compile a model's kernels with Mesa's compilers for GPUs that need not be there, and show registers, spills, occupancy and the hottest loop",
  )
  .option(
    '--model <name>',
    'a built-in model, which "tilewise models" lists, or an .onnx or .tflite file',
    'resnet50',
  )
  .option('--batch <n>', 'images a run', parseCount, 1)
  .option(
    '--gpus <names>',
    'of the script, separated by commas; "all" is all that it knows',
    'amd-navi31,apple-g13g,intel-tgl,nvidia-ampere',
  )
  .option(
    '--env-script <file>',
    'a shell script that prints, for a GPU\'s name, the "export" lines that make a process see it, among them a Vulkan layer that writes what its driver says to $ISA_LOG (or TILEWISE_ISA_ENV); the default fetches drivers from Debian once, 100 MB',
    process.env.TILEWISE_ISA_ENV ?? join(import.meta.dirname, 'gpus', 'setup.sh'),
  )
  .addOption(
    new Option('--precision <type>', 'of weights and maps').choices(['f32', 'f16']).default('f32'),
  )
  .option(
    '--experimental-matrices',
    'with --precision f16, also kernels for subgroup matrices, where the driver has them',
  )
  .option('--peer', 'also what onnxruntime compiles for the model: see bench/peers/README.md')
  .option('--fail-on-spills', 'exit with 1 where a kernel that the plan runs spills registers')
  .option('--candidates', 'also compile the configurations that the plan does not choose')
  .option(
    '--compare <file>',
    'what --json printed before: shows what is another, and exits with 1 where a kernel that the plan runs got worse',
  )
  .option('--html <file>', 'write a page of tables and bars', parseOutput('.html'))
  .option(
    '--summary',
    'print a line a GPU instead: multiply-adds an issue slot over whole steps of convolutions, by window, and how long all pipelines took to compile',
  )
  .option('--markdown', 'print the table of docs/kernels.md')
  .option('--json', 'print one JSON object a pipeline on stdout, and nothing else')
  .action(benchIsa);

function checkModel({ model, peer }: Options): void {
  if (!isFile(model)) findModel(model);
  else if (peer) throw new Error('--peer is for built-in models: of a file, leave it out');
  else readFileSync(model);
}

async function benchIsa(options: Options): Promise<void> {
  // What is wrong is to be heard of before minutes of compiling.
  const { compare } = options;
  const before =
    compare === undefined ? undefined : parseRows(readFileSync(compare, 'utf8'), compare);
  checkModel(options);
  if (options.peer) checkPeer();
  const gpus = gpusOf(options.gpus, options.envScript);
  const rows: Row[] = [];
  for (const gpu of gpus) {
    try {
      rows.push(...(await compileFor(gpu, options)));
      if (options.peer) rows.push(...(await compilePeer(gpu, options)));
    } catch (error) {
      note(`${gpu}: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
  clearProgress();
  if (options.summary) printSummary(rows, options);
  else if (options.json) for (const row of rows) printJson(row);
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

function printSummary(rows: readonly Row[], { model, batch, precision, json }: Options): void {
  const summary = summaryOf(rows);
  if (json) {
    for (const line of summary) printJson({ model, batch, precision, ...line });
    return;
  }
  const peers = (line: Summary): Summary['rates'] => line.peer ?? {};
  const namesOf = (of: (line: Summary) => Summary['rates']): readonly string[] => [
    ...new Set(summary.flatMap((line) => Object.keys(of(line)))),
  ];
  const windows = namesOf(({ rates }) => rates);
  const programs = namesOf(peers);
  const head = [
    'gpu',
    'pipelines',
    'spilling',
    'compiling, ms',
    ...windows,
    ...programs.map((name) => `peer ${name}`),
    ...(programs.length > 0 ? ['peer compiling, ms'] : []),
  ];
  const cells = summary.map((line) => [
    line.gpu,
    line.pipelines,
    line.spilling,
    line.compiling,
    ...windows.map((name) => line.rates[name]?.toFixed(2) ?? '-'),
    ...programs.map((name) => peers(line)[name]?.toFixed(2) ?? '-'),
    ...(programs.length > 0 ? [line.peerCompiling ?? '-'] : []),
  ]);
  print(formatTable(head, cells));
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
  'ms',
  'fma',
  'fma/slot',
  'of a step',
  'fma/load',
];

function cellsOf(row: Row): readonly (string | number)[] {
  return [
    row.gpu,
    row.layer,
    row.chosen ? row.kernel : `(${row.kernel})`,
    configText(row.config),
    row.workgroups ?? '-',
    row.registers,
    row.spills,
    row.workgroupMemory,
    row.waves,
    Math.round(row.milliseconds),
    row.loop?.multiplyAdds ?? 0,
    row.loop?.perSlot.toFixed(2) ?? '-',
    row.loop?.perStepSlot?.toFixed(2) ?? '-',
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

await runCommand(() => program.parseAsync());
