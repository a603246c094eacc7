/** A model's pipelines, compiled for a GPU by a process that sees that one. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { progress } from '../../terminal/output.ts';
import { machineCodeOf } from './assembly/index.ts';
import type { Compiled } from './compile_shaders.ts';
import { parsePipelineLog } from './pipeline_log.ts';
import { type Row, rowOf } from './row.ts';

export interface CompileOptions {
  readonly model: string;
  readonly batch: number;
  readonly envScript: string;
  readonly precision: string;
  readonly experimentalMatrices?: boolean;
  readonly candidates?: boolean;
}

/**
 * The names of `--gpus`, of which `all` stands for all that the script tells without an argument.
 *
 * @throws Error where it tells none.
 */
export function gpusOf(names: string, envScript: string): readonly string[] {
  if (names !== 'all') return names.split(',');
  const { status, stdout } = spawnSync('bash', [envScript], { encoding: 'utf8' });
  const gpus = stdout.split('\n').filter(Boolean);
  if (status === 0 && gpus.length > 0) return gpus;
  throw new Error(`${envScript}: without an argument it should list GPUs, and lists none`);
}

/** Compiles in a process of its own, whose output goes to files: Node's pipes drop what a driver writes too fast. */
export async function compileFor(gpu: string, options: CompileOptions): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tilewise-isa-'));
  try {
    const files = {
      output: join(folder, 'stdout'),
      errors: join(folder, 'stderr'),
      pipelines: join(folder, 'pipelines.jsonl'),
    };
    const { code, lines } = await runCompiler(gpu, options, files);
    if (code !== 0) {
      const errors = lastLines(readFileSync(files.errors, 'utf8'));
      throw new Error(`compiling failed with exit code ${code}\n${errors}`);
    }
    const log = existsSync(files.pipelines) ? readFileSync(files.pipelines, 'utf8') : '';
    return rowsOf(gpu, lines, log, readFileSync(files.output, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a compiling process writes, beside the lines that say what it compiles. */
interface OutputFiles {
  readonly output: string;
  readonly errors: string;
  /** A Vulkan layer's. */
  readonly pipelines: string;
}

/** With the script's variables set. */
async function runCompiler(
  gpu: string,
  options: CompileOptions,
  { output, errors, pipelines }: OutputFiles,
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
  const shell = 'set -e; exports=$(bash "$0" "$1"); eval "$exports"; shift; exec "$@"';
  const [stdout, stderr] = [openSync(output, 'w'), openSync(errors, 'w')];
  try {
    const child = spawn('bash', ['-c', shell, options.envScript, gpu, ...compile, ...args], {
      // Mesa's driver of Apple's GPUs prints their code, and tells it no layer.
      env: { ...process.env, ISA_LOG: pipelines, AGX_MESA_DEBUG: 'shaders' },
      stdio: ['ignore', stdout, stderr, 'pipe'],
    });
    let lines = '';
    const compiled = child.stdio[3] as Readable;
    compiled.setEncoding('utf8').on('data', (text: string) => {
      lines += text;
      progress(`${gpu}: compiling, pipeline ${lines.split('\n').length}`, 0, undefined);
    });
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    return { code, lines };
  } finally {
    for (const file of [stdout, stderr]) closeSync(file);
  }
}

function rowsOf(gpu: string, lines: string, log: string, output: string): readonly Row[] {
  const compiled = lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Compiled);
  const pipelines = parsePipelineLog(log);
  if (compiled.length !== pipelines.length) {
    throw new Error(
      `${compiled.length} pipelines, but statistics of ${pipelines.length}: the script has to set up the layer that writes them to $ISA_LOG, as bench/isa/gpus/setup.sh does`,
    );
  }
  const codes = machineCodeOf(compiled[0]?.vendor ?? '', pipelines, output);
  return pipelines.flatMap((pipeline, i) => {
    const about = compiled[i];
    return about ? [rowOf(gpu, about, pipeline, codes[i])] : [];
  });
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-5).join('\n');
}
