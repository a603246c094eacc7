import { benchmarkKernels, layerCases, parseLayer } from '../../measure/kernels/index.ts';
import {
  buildModel,
  type Device,
  findModel,
  type Graph,
  measureCeilings,
  prepare,
} from '../../src/index.ts';
import type { BenchEvent, KernelReport, ModelName } from '../engine/calls.ts';
import type { CallContext } from '../engine/serve.ts';
import { tuningOf } from './tuning.ts';

/** The shapes of a model's layers, each once, as lines that `benchmark` takes. */
export async function layerShapes(device: Device, model: ModelName): Promise<readonly string[]> {
  const cases = await casesOf(device, buildModel(findModel(model)));
  return cases.map(({ text }) => text);
}

/** Measures every kernel, in every configuration, over the layers that the lines describe. */
export async function benchmark(
  device: Device,
  lines: readonly string[],
  { onProgress, signal }: CallContext<BenchEvent>,
): Promise<KernelReport> {
  const cases = await Promise.all(lines.map((line) => casesOf(device, parseLayer(line))));
  const ceilings = await measureCeilings(device, { signal });
  onProgress({ kind: 'ceilings', ceilings });
  return benchmarkKernels(device, cases.flat(), {
    ceilings,
    signal,
    quick: true,
    onProgress: ({ layer, done, remainingMs }) =>
      onProgress({ kind: 'progress', layer, done, remainingMs }),
    onLayer: (layer) => onProgress({ kind: 'layer', layer }),
  });
}

/** As sessions of this page run them. */
async function casesOf(device: Device, graph: Graph) {
  return layerCases(prepare(graph, { device: device.profile, tuning: await tuningOf(device) }));
}
