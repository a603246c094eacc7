/**
 * What a run should take on a GPU that is not here. The cost model that chooses kernels was fitted to times of one GPU
 * (docs/decisions/0085-a-measured-gpu.md); this counts with the units, clock and memory of another.
 */
import { prepare } from '../prepare.ts';
import { checkArgument } from '../runtime/arguments.ts';
import { ANY_GPU, type DeviceProfile } from '../runtime/device_profile.ts';
import type { Graph, Node } from '../runtime/graph.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { ExecutionPlan, PlannedDispatch } from '../runtime/plan/compile.ts';
import { isChoice } from '../runtime/plan/select_kernels.ts';
import { startEarly } from '../runtime/plan/submits.ts';
import { sum } from '../runtime/sum.ts';
import type { DType } from '../runtime/tensor.ts';
import type { GpuFigures } from './gpus.ts';
import { trafficOf } from './traffic.ts';

/** Of a layer. */
export interface PredictedLayer {
  /** Its name, in the graph of the plan. */
  readonly layer: string;
  /** What computes it. */
  readonly kernel: string;
  /** Of how many dispatches it is, of all parts of a batch that is cut. */
  readonly dispatches: number;
  /** An estimate. */
  readonly ms: number;
  /** What takes it: arithmetic, memory, or the launch of its dispatches. */
  readonly limit: 'arithmetic' | 'memory' | 'launch';
}

/** An estimate, not a measurement. */
export interface Prediction {
  /** The sum of all layers, of which each waits for the one before it, and of what they wait for the host. */
  readonly ms: number;
  /** Of it, what the GPU waits for the host, which records a piece of the run while the GPU works on the one before. */
  readonly waitMs: number;
  /** In the order in which they run. */
  readonly layers: readonly PredictedLayer[];
  /** What it takes for granted, a sentence each. */
  readonly assumptions: readonly string[];
}

/** How `predict` plans. */
export interface PredictOptions {
  /** Of weights and maps; f32 by default. */
  readonly precision?: DType | undefined;
}

/** Multiply-adds of a unit in a cycle, and those that a dispatch costs: 4 microseconds of an H200. */
const MULTIPLY_ADDS = 128;
const LAUNCH = 1e6;

/*
 * Fitted to nine runs on an H200 (bench/results/models-nvidia-h200.json). The cost model ranks configurations, and its
 * cycles are no cycles of the clock; the host's time is that of a server's processor, in Node.
 */
const CYCLES = 2.5;
const HOST_MS = 0.1;
const HOST_MS_OF_DISPATCH = 0.007;

/** What these GPUs allow, about: WebGPU's defaults would cut batches that they run at once. */
const LARGE_BUFFERS = { maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 31 - 4 };

/** Of the bandwidth that makers name, what copying reaches: 3.7 of 4.8 TB/s. */
const SHARE_OF_BANDWIDTH = 0.77;

/**
 * Time for a multiply-add of a convolution's inner loop, by NVIDIA's: issue slots as Mesa's compilers count them
 * (`bench:isa --summary`, ResNet-50 at batch 8, 1x1).
 */
const SLOTS: ReadonlyMap<string, number> = new Map([
  ['amd', 0.84],
  ['apple', 0.94],
  ['intel', 1.07],
  ['qualcomm', 0.74],
]);

/**
 * Estimates what a run takes on a GPU, without one. Of nine runs on the one GPU that it could be checked against, an
 * H200, to which three of its constants were fitted, it gives 0.80 to 1.20; these ran kernels of 27 November 2026, and
 * were submitted once. Of other GPUs its error is not known.
 *
 * @param graph - As for `createSession`.
 * @param figures - One of `GPUS`, or your own, all of them positive.
 * @param options - Precision.
 * @returns Milliseconds of each layer, what limits it, and what was assumed.
 * @throws TilewiseError for figures that are none, and what `prepare` throws.
 *
 * @example
 * const [gpu] = GPUS;
 * if (gpu) console.log(predict(buildModel(resnet50), gpu).ms);
 */
export function predict(
  graph: Graph,
  figures: GpuFigures,
  options: PredictOptions = {},
): Prediction {
  checkKinds('predict', { graph, options });
  const gpu = checked(figures);
  const { precision = 'f32' } = options;
  const device: DeviceProfile = {
    ...{ ...ANY_GPU, adapter: gpu.name, vendor: gpu.vendor },
    limits: { ...ANY_GPU.limits, ...LARGE_BUFFERS },
  };
  const { plan, parts } = prepare(graph, { device, precision });
  const layers = new Map<Node, PlannedDispatch[]>();
  for (const dispatch of plan.dispatches) {
    layers.set(dispatch.node, [...(layers.get(dispatch.node) ?? []), dispatch]);
  }
  // The plan is that of a session, which knows no units; what it costs is counted with the GPU's.
  const known = { ...device, units: gpu.units };
  const predicted = [...layers].map(([node, dispatches]) =>
    predictLayer(node, dispatches, plan, known, gpu),
  );
  const waitMs = waitOf(predicted);
  const all = predicted.map((layer) => ({
    ...layer,
    dispatches: parts * layer.dispatches,
    ms: parts * layer.ms,
  }));
  return {
    ms: waitMs + sum(all.map(({ ms }) => ms)),
    waitMs,
    layers: all,
    assumptions: assumptionsOf(gpu),
  };
}

/** What the GPU waits for the host while it works on these layers. Further parts of a batch are recorded meanwhile. */
function waitOf(layers: readonly PredictedLayer[]): number {
  const dispatches = layers.flatMap(({ dispatches: count, ms }) =>
    Array.from({ length: count }, () => ms / count),
  );
  let [recorded, host, gpu] = [0, HOST_MS, 0];
  for (const size of startEarly(dispatches.length)) {
    host += HOST_MS_OF_DISPATCH * size;
    gpu = Math.max(gpu, host) + sum(dispatches.slice(recorded, recorded + size));
    recorded += size;
  }
  return gpu - sum(dispatches);
}

function checked(figures: GpuFigures): GpuFigures {
  const { name, vendor, units, gigahertz, gigabytesPerSecond } = Object(figures) as GpuFigures;
  const texts = [name, vendor].every((text) => typeof text === 'string');
  const numbers = [units, gigahertz, gigabytesPerSecond].every(
    (value) => Number.isFinite(value) && value > 0,
  );
  checkArgument(texts && numbers, 'predict: figures', 'GpuFigures, above 0', figures);
  return figures;
}

function predictLayer(
  node: Node,
  dispatches: readonly PlannedDispatch[],
  plan: ExecutionPlan,
  device: DeviceProfile,
  { units, gigahertz, gigabytesPerSecond, vendor }: GpuFigures,
): PredictedLayer {
  const [first] = dispatches;
  const { kernel = '', config = {} } = first ?? {};
  const chosen = node.op
    .candidates(node, device)
    .find((candidate) => isChoice(candidate, { kernel, config }));
  const perMs = MULTIPLY_ADDS * gigahertz * 1e6;
  const launch = (dispatches.length * LAUNCH) / perMs;
  // Costs have that of the dispatches in them.
  const cost = Math.max(0, (chosen?.cost() ?? 0) / units - dispatches.length * LAUNCH);
  const arithmetic = (CYCLES * cost * (SLOTS.get(vendor) ?? 1)) / perMs;
  const bytes = sum(dispatches.map((dispatch) => trafficOf(plan, dispatch)));
  const memory = bytes / (gigabytesPerSecond * SHARE_OF_BANDWIDTH * 1e6);
  const busy = Math.max(arithmetic, memory);
  const limit = launch > busy ? 'launch' : memory > arithmetic ? 'memory' : 'arithmetic';
  return { layer: node.name, kernel, dispatches: dispatches.length, ms: launch + busy, limit };
}

function assumptionsOf({ units, gigahertz, gigabytesPerSecond }: GpuFigures): readonly string[] {
  const launchUs = (LAUNCH / (MULTIPLY_ADDS * gigahertz * 1e3)).toFixed(1);
  return [
    `${units} units of ${MULTIPLY_ADDS} multiply-adds in a cycle, at ${gigahertz} GHz all the time`,
    `memory at ${(gigabytesPerSecond * SHARE_OF_BANDWIDTH).toFixed(0)} GB/s; nothing stays in a cache from one layer to the next`,
    `each dispatch waits for the one before it, ${launchUs} us; the host takes ${1000 * HOST_MS_OF_DISPATCH} us for each, most of it while the GPU works on others`,
    'convolutions take as many cycles of a unit as on an NVIDIA H200, times the issue slots that the compilers of Mesa need',
    'buffers of 2 GB; nothing else uses the GPU; the makers’ own compilers are as good as those of Mesa',
  ];
}
