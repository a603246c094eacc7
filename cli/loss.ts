/** What a model loses when its weights are stored in fewer bits: its logits before and after, on the same inputs. */
import {
  buildModel,
  type DomainOptions,
  type Graph,
  type ModelDef,
  syntheticTensor,
  UnsupportedError,
  type WeightSource,
} from '../src/index.ts';
import { clearProgress, formatPercent, progress } from '../terminal/output.ts';
import { openModel } from './open_model.ts';
import type { CommonOptions } from './options.ts';
import { evenBatch, overFiles, reportSummary } from './over_files.ts';
import { openRunnable } from './runnable.ts';
import { createBatchEmbedder, type OpenedDevice, openSession } from './runner.ts';
import { loadWeights } from './weights.ts';

/** Shares are 0 to 1. */
export interface Loss {
  readonly inputs: number;
  /** Of all logits, as a share of the largest one before. */
  readonly meanDifference: number;
  readonly largestDifference: number;
  /** Inputs whose likeliest class is the same; none where there are no classes. */
  readonly top1?: number;
  /** Of the five likeliest classes, those that are among them still. */
  readonly top5?: number;
}

/** The logits of one input; of maps and whatever else, all values. */
interface Logits {
  readonly data: Float32Array;
  readonly classes: boolean;
}

const MOST_COMPARED = 5;

/** Of inputs by their keys; of those that only one side has, nothing is said. */
export function lossOf(
  before: ReadonlyMap<string, Logits>,
  after: ReadonlyMap<string, Logits>,
): Loss {
  const tally = new Tally();
  for (const [key, logits] of before) {
    const other = after.get(key);
    if (other) tally.add(logits, other.data);
  }
  return tally.loss;
}

class Tally {
  #inputs = 0;
  #values = 0;
  #sum = 0;
  #most = 0;
  #largest = 0;
  #classes = true;
  #first = 0;
  #five = 0;

  add({ data, classes }: Logits, after: Float32Array): void {
    this.#inputs++;
    this.#values += data.length;
    for (let i = 0; i < data.length; i++) {
      const difference = Math.abs((data[i] ?? 0) - (after[i] ?? 0));
      this.#sum += difference;
      // Not-a-number stays.
      this.#most = Math.max(this.#most, difference);
      this.#largest = Math.max(this.#largest, Math.abs(data[i] ?? 0));
    }
    this.#classes &&= classes;
    if (!classes) return;
    const [old, fresh] = [likeliest(data), likeliest(after)];
    if (old[0] === fresh[0]) this.#first++;
    this.#five += old.filter((index) => fresh.includes(index)).length / old.length;
  }

  get loss(): Loss {
    const inputs = this.#inputs;
    const largest = this.#largest || 1;
    // Among what are no numbers, none is the largest.
    const ranked = this.#classes && !Number.isNaN(this.#most);
    return {
      inputs,
      meanDifference: this.#sum / this.#values / largest,
      largestDifference: this.#most / largest,
      ...(ranked && { top1: this.#first / inputs, top5: this.#five / inputs }),
    };
  }
}

/** The classes of the largest logits, also where some are not numbers. */
function likeliest(logits: Float32Array): readonly number[] {
  const classes = [...logits.keys()];
  return classes.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0)).slice(0, MOST_COMPARED);
}

/** A file, and whose weights are in it where it has no network inside. */
export interface Side {
  readonly path: string;
  readonly model: ModelDef | undefined;
}

/** The logits of so many inputs, the same at every call, by their numbers. */
export async function syntheticLogits(
  { device }: OpenedDevice,
  { path, model }: Side,
  count: number,
  options: CommonOptions,
): Promise<ReadonlyMap<string, Logits>> {
  const { graph, weights: own } = openRunnable(model?.name ?? path).build({});
  const weights = await weightsOf(
    { path, model },
    { name: path, ...(own && { weights: own }) },
    graph,
  );
  using session = await openSession(device, graph, { ...options, weights });
  const output = graph.outputs.has('logits') ? 'logits' : ([...graph.outputs.keys()][0] ?? '');
  const { shape = [] } = graph.outputs.get(output)?.desc ?? {};
  const classes = shape.length === 2 && shape[0] === 1 && (shape[1] ?? 0) > 1;
  const logits = new Map<string, Logits>();
  try {
    for (let i = 0; i < count; i++) {
      progress('comparing', i, count);
      const feeds = session.inputs.map(({ name, shape: extents }) => {
        return [name, syntheticTensor(`${name} ${i}`, extents)] as const;
      });
      const { [output]: data = new Float32Array() } = await session.run(Object.fromEntries(feeds));
      logits.set(String(i), { data, classes });
    }
  } finally {
    clearProgress();
  }
  return logits;
}

const MOST_AT_ONCE = 8;

/** How pictures are prepared, and whether those that cannot be read are listed. */
interface PictureOptions extends CommonOptions, DomainOptions {
  readonly list: boolean;
}

/** The logits of pictures, by their paths. Throws UnsupportedError for a model of what is in each pixel. */
export async function pictureLogits(
  { device }: OpenedDevice,
  side: Side,
  paths: readonly string[],
  { list, precision, preprocessing }: PictureOptions,
): Promise<ReadonlyMap<string, Logits>> {
  const model = side.model ?? openModel(side.path);
  if (model.domain === 'voc' || model.domain === 'masks') {
    throw new UnsupportedError(
      `--images compares classifiers; "${model.name}" says what is in each pixel: leave --images out`,
    );
  }
  const weights = await weightsOf(side, model, buildModel(model));
  const batch = evenBatch(paths.length, MOST_AT_ONCE);
  using embedder = await createBatchEmbedder(device, model, {
    ...(preprocessing && { preprocessing }),
    ...{ output: 'logits', normalize: false, precision, weights, batch },
  });
  const logits = new Map<string, Logits>();
  const summary = await overFiles<Float32Array>(paths, {
    what: 'comparing',
    batch,
    run: (pictures, hear) => embedder.embed(pictures, hear),
    onResult: (path, data) => logits.set(path, { data, classes: true }),
  });
  if (list) reportSummary(summary);
  return logits;
}

function weightsOf(
  { path, model }: Side,
  network: Pick<ModelDef, 'name' | 'weights'>,
  graph: Graph,
): Promise<WeightSource> {
  return loadWeights(network, graph, model ? { weights: path } : {});
}

/** For people. */
export function formatLoss({ meanDifference, largestDifference, top1, top5 }: Loss): string {
  if (Number.isNaN(largestDifference))
    return '  some logits are no numbers: they cannot be compared';
  const lines = [
    `  logits differ on average by       ${share(meanDifference)} of the largest`,
    `  and at most by                    ${share(largestDifference)}`,
    ...(top1 === undefined ? [] : [`  the likeliest class is the same   ${formatPercent(top1)}`]),
    ...(top5 === undefined ? [] : [`  of the five likeliest stay        ${formatPercent(top5)}`]),
  ];
  return lines.join('\n');
}

/** Two digits, however small. */
function share(value: number): string {
  return `${Number((100 * value).toPrecision(2))} %`;
}
