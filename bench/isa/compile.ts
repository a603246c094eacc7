/** Pipelines of a model, Tilewise's and onnxruntime's, compiled for a GPU. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { note, progress } from '../../terminal/output.ts';
import { machineCodeOf } from './assembly/index.ts';
import type { Compiled } from './compile_shaders.ts';
import { runOn } from './gpu_process.ts';
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

const PEERS = join(import.meta.dirname, '..', 'peers');

/** What a plan runs there. */
export async function compileFor(gpu: string, options: CompileOptions): Promise<readonly Row[]> {
  const { model, batch, precision, candidates = false, experimentalMatrices = false } = options;
  const args = [model, batch, precision, candidates, experimentalMatrices].map(String);
  const script = join(import.meta.dirname, 'compile_shaders.ts');
  const rows = await compileBy(script, args, gpu, options);
  if (rows.length === 0) note(`${gpu}: nothing is compiled, since it has no ${precision}`);
  return rows;
}

/** @throws Error where what `compilePeer` runs is not installed. */
export function checkPeer(): void {
  if (existsSync(join(PEERS, 'node_modules'))) return;
  throw new Error('--peer needs onnxruntime: npm --prefix bench/peers ci --ignore-scripts');
}

/** What onnxruntime runs there, in f32. */
export function compilePeer(gpu: string, options: CompileOptions): Promise<readonly Row[]> {
  const args = [options.model, String(options.batch)];
  return compileBy(join(PEERS, 'onnxruntime_kernels.ts'), args, gpu, options);
}

async function compileBy(
  script: string,
  args: readonly string[],
  gpu: string,
  { envScript }: CompileOptions,
): Promise<readonly Row[]> {
  const { lines, log, stdout } = await runOn(gpu, envScript, [script, ...args], (count) =>
    progress(`${gpu}: compiling, pipeline ${count}`, 0, undefined),
  );
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
  const codes = machineCodeOf(compiled[0]?.vendor ?? '', pipelines, stdout);
  return pipelines.flatMap((pipeline, i) => {
    const about = compiled[i];
    return about ? [rowOf(gpu, about, pipeline, codes[i])] : [];
  });
}
