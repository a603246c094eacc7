/** What a run should take on a GPU that is not here, as `inspect --predict` prints it. */
import {
  type DType,
  GPUS,
  type Graph,
  type PredictedLayer,
  predict,
  TilewiseError,
} from '../src/index.ts';
import { print, printJson } from '../terminal/output.ts';
import { formatTable } from '../terminal/table.ts';

interface PredictionOptions {
  readonly precision: DType;
  readonly json?: boolean;
}

/** @throws TilewiseError for a GPU that it does not know. */
export function printPrediction(
  graph: Graph,
  name: string,
  { precision, json }: PredictionOptions,
): void {
  const gpu = GPUS.find((known) => known.name === name);
  if (!gpu) {
    const names = GPUS.map((known) => known.name).join(', ');
    throw new TilewiseError(`--predict knows no GPU "${name}"; it knows ${names}`);
  }
  const prediction = predict(graph, gpu, { precision });
  if (json) {
    printJson({ model: graph.name, gpu: name, precision, measured: false, ...prediction });
    return;
  }
  const { ms, waitMs, layers, assumptions } = prediction;
  print(`${graph.name} in ${precision} on ${name}: an estimate, not a measurement`);
  const host = ['wait for the host', '', '', '', waitMs.toFixed(3), share(waitMs, ms)];
  print(formatTable(HEAD, [...rowsOf(layers, ms), host]));
  print(`
a run    ${ms.toFixed(2)} ms, of which the GPU waits ${waitMs.toFixed(2)} ms for the host

It takes for granted:
${assumptions.map((assumption) => `- ${assumption}`).join('\n')}

Of nine runs on an NVIDIA H200, which were submitted once, and to which three constants were fitted, it gives 0.80 to
1.20; of other GPUs its error is not known.`);
}

const HEAD = ['kernel', 'limited by', 'layers', 'dispatches', 'ms', 'share'];

function share(ms: number, total: number): string {
  return `${((100 * ms) / total).toFixed(0)} %`;
}

/** One for each kernel and limit, the longest first. */
function rowsOf(
  layers: readonly PredictedLayer[],
  total: number,
): readonly (readonly (string | number)[])[] {
  const groups = new Map<string, PredictedLayer[]>();
  for (const layer of layers) {
    const key = `${layer.kernel} ${layer.limit}`;
    groups.set(key, [...(groups.get(key) ?? []), layer]);
  }
  const sum = (alike: readonly PredictedLayer[], of: (layer: PredictedLayer) => number): number =>
    alike.reduce((all, layer) => all + of(layer), 0);
  return [...groups.values()]
    .map((alike) => ({ alike, ms: sum(alike, (layer) => layer.ms) }))
    .sort((a, b) => b.ms - a.ms)
    .map(({ alike, ms }) => [
      alike[0]?.kernel ?? '',
      alike[0]?.limit ?? '',
      alike.length,
      sum(alike, (layer) => layer.dispatches),
      ms.toFixed(3),
      share(ms, total),
    ]);
}
