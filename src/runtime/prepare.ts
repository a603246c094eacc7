/** The one place that knows the order of the stages between a model and what runs. */
import { type DeviceProfile, largestBuffer } from './device_profile.ts';
import type { Graph, Node } from './graph.ts';
import { uniqueName } from './graph_builder.ts';
import { assignLayouts } from './passes/assign_layouts.ts';
import { assignPrecision } from './passes/assign_precision.ts';
import { type Passes, passesOf } from './passes/passes.ts';
import { removeUnread } from './passes/remove_unread.ts';
import type { StageResult } from './passes/report.ts';
import { batchParts, cutBatch } from './plan/batch_parts.ts';
import { compile, type ExecutionPlan } from './plan/compile.ts';
import { checkPrecision } from './plan/precision.ts';
import type { KernelPreference } from './plan/select_kernels.ts';
import type { Tuning } from './plan/tuning.ts';
import type { DType } from './tensor.ts';

/** How a graph is planned. */
export interface PrepareOptions {
  /** What is known of the device: `device.profile`, or `ANY_GPU`. */
  readonly device: DeviceProfile;
  /** How weights and activations are stored; f32 by default. */
  readonly precision?: DType | undefined;
  /** What was fastest on this device when it was timed. */
  readonly tuning?: Tuning | undefined;
  /** Prefers kernels by name: for tests and benchmarks, and where an algorithm must not be used. */
  readonly kernels?: KernelPreference | undefined;
  /** Bytes that a session may take on the device; unlimited by default. */
  readonly maxMemory?: number | undefined;
  /** Whether to rewrite the graph into fewer nodes; true by default, false to debug layer by layer. */
  readonly optimize?: boolean | undefined;
  /** Whether every node's result is an output, under the node's name; false by default. */
  readonly observed?: boolean | undefined;
  /**
   * Whether outputs are row-major on the device, as `runOnGpu` and `encodeRun` need them. False by default: what a
   * transposition or a slice gives is then read back from where it came, and costs no dispatch.
   */
  readonly denseOutputs?: boolean | undefined;
  /**
   * Passes beyond those of the graph's operators. By `conversions`, inputs of a graph in f16 are stored as f16 where it
   * has no pointwise operator; else what reads them reads f32.
   */
  readonly passes?: Pick<Passes, 'pointwise'> | undefined;
}

/** A plan, and how it came about. */
export interface Prepared {
  /** What a session runs. */
  readonly plan: ExecutionPlan;
  /** Runs of the plan that make one run of the model: more than one where its batch is cut. */
  readonly parts: number;
  /** What each stage made, in order: see `describeStages`. */
  readonly log: readonly StageResult[];
  /** The nodes of the model that each node of the plan computes: none for a conversion at an edge. */
  readonly origin: ReadonlyMap<Node, readonly Node[]>;
}

/** The passes of operators that make fewer nodes, or better ones, in order. */
const REWRITING = [
  'fold batch norm',
  'merge movements',
  'sink transposes',
  'absorb padding',
  'merge pointwise',
  'sink reshapes',
  'fold factors',
  'absorb affine',
  'fuse epilogue',
  'inline scalars',
  'one pixel as linear',
] as const satisfies readonly (keyof Passes)[];

interface Stage {
  readonly name: string;
  /** Absent where no operator of the graph brings it. */
  readonly apply: ((graph: Graph, device: DeviceProfile) => Graph) | undefined;
}

/**
 * Everything between a model and its first run that needs no GPU and touches no data. Throws UnsupportedError where
 * the device is too small, lacks what `precision` needs, or `maxMemory` is too small.
 */
export function prepare(model: Graph, options: PrepareOptions): Prepared {
  const { device, precision = 'f32', optimize = true, observed = false, denseOutputs } = options;
  checkPrecision(precision, device);
  const passes = passesOf(model, options.passes);
  const store = (graph: Graph): Graph => assignPrecision(graph, passes.pointwise, precision);
  const parts = batchParts(store(model), device);
  const optimizing: readonly Stage[] = [
    { name: 'remove unread nodes', apply: removeUnread },
    ...REWRITING.map((name) => ({ name, apply: passes[name] })),
  ];
  const stages: readonly Stage[] = [
    { name: 'cut batch', apply: (graph) => cutBatch(graph, parts) },
    ...(optimize ? optimizing : []),
    { name: `store as ${precision}`, apply: store },
    {
      name: 'split large weights',
      apply: (graph) => passes.splitLargeWeights?.(graph, passes, largestBuffer(device)) ?? graph,
    },
    {
      name: 'assign layouts',
      apply: (graph) => assignLayouts(graph, device, denseOutputs),
    },
  ];
  const log: StageResult[] = [];
  const laidOut = stages.reduce((before, { name: stage, apply }) => {
    const after = apply?.(before, device) ?? before;
    log.push({ stage, before, after });
    return after;
  }, model);
  const named = withDistinctNames(device.experimental?.offer(laidOut) ?? laidOut, model);
  const plan = compile(observed ? withAllOutputs(named) : named, options);
  return { plan, parts, log, origin: originOf(plan.graph, model) };
}

/** Numbers what stages named as they name it, where that is the name of another node. */
function withDistinctNames(graph: Graph, model: Graph): Graph {
  const taken = new Set(model.nodes.map(({ name }) => name));
  const nodes = graph.nodes.map((node) =>
    node.sources?.includes(node.name) === false
      ? { ...node, name: uniqueName(node.name, taken) }
      : node,
  );
  return { ...graph, nodes };
}

function withAllOutputs(graph: Graph): Graph {
  return { ...graph, outputs: new Map(graph.nodes.map(({ name, output }) => [name, output])) };
}

/** By name, which all stages keep. */
function originOf(graph: Graph, model: Graph): ReadonlyMap<Node, readonly Node[]> {
  const byName = new Map(model.nodes.map((node) => [node.name, node]));
  return new Map(
    graph.nodes.map((node) => [
      node,
      (node.sources ?? [node.name]).flatMap((name) => byName.get(name) ?? []),
    ]),
  );
}
