import { benchmarkKernels, layerCases, parseLayer } from '../../measure/kernels/index.ts';
import {
  buildModel,
  type Device,
  findModel,
  type Graph,
  measureCeilings,
  planFor,
} from '../../src/index.ts';
import type { BenchEvent, KernelReport, ModelName } from '../engine/calls.ts';
import type { CallContext } from '../engine/serve.ts';

/** The shapes of a model's layers, each once, as lines that `benchmark` takes. */
export function layerShapes(device: Device, model: ModelName): readonly string[] {
  return casesOf(device, buildModel(findModel(model))).map(({ text }) => text);
}

/** Measures every kernel, in every configuration, over the layers that the lines describe. */
export async function benchmark(
  device: Device,
  lines: readonly string[],
  { onProgress, signal }: CallContext<BenchEvent>,
): Promise<KernelReport> {
  const cases = lines.flatMap((line) => casesOf(device, parseLayer(line)));
  const ceilings = await measureCeilings(device);
  onProgress({ kind: 'ceilings', ceilings });
  return benchmarkKernels(device, cases, {
    ceilings,
    signal,
    quick: true,
    onProgress: ({ layer, done, remainingMs }) =>
      onProgress({ kind: 'progress', layer, done, remainingMs }),
    onLayer: (layer) => onProgress({ kind: 'layer', layer }),
  });
}

function casesOf(device: Device, graph: Graph) {
  return layerCases(planFor(device, graph).graph);
}
