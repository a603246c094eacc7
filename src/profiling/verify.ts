/** Every layer on this device against the CPU, so that a wrong kernel, or a wrong driver, has a name. */
import { type CreateSessionOptions, createSession, operators } from '../defaults.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { type Graph, isConstant, type Node, type Value } from '../runtime/graph.ts';
import { operatorOf } from '../runtime/operator.ts';
import { optimize } from '../runtime/passes/index.ts';
import type { ExecutionPlan } from '../runtime/plan/compile.ts';
import type { Shape } from '../runtime/tensor.ts';
import { ConstantReader } from '../runtime/weights/constant_reader.ts';

/** How far one layer is from the CPU reference. */
export interface LayerCheck {
  readonly layer: string;
  readonly op: string;
  /** `undefined` for views, which nothing computes. */
  readonly kernel: string | undefined;
  /** The largest difference, as a share of the largest expected value. */
  readonly error: number;
  /** Where it is: an index for each axis of the output. */
  readonly index: Shape;
  readonly expected: number;
  readonly actual: number;
  readonly ok: boolean;
}

export interface VerifyOptions extends CreateSessionOptions {
  /** Called before each layer is computed on the CPU. */
  readonly onLayer?: (done: number, total: number) => void;
  /** Called with the check of each layer as it is made, in the order of the layers. */
  readonly onCheck?: (check: LayerCheck) => void;
}

/**
 * What sums of thousands of terms may lose in f32, as a share of the largest result: rounding errors of
 * 2^-24 each add up like a random walk, to 4e-6 for the 4608 terms of ResNet's longest; a kernel that
 * reads one wrong element is off by far more than this.
 */
const TOLERANCE = 1e-4;

/**
 * Runs a graph on the device with every layer as an output, and computes each layer anew on the CPU, in
 * f64, from what the device gave it: errors do not add up from layer to layer. Worst layer first.
 * `inputs` are keyed by name. `signal` stops between two layers, too. Throws what `createSession` throws.
 */
export async function verify(
  device: Device,
  graph: Graph,
  inputs: Readonly<Record<string, Float32Array>>,
  options: VerifyOptions,
): Promise<readonly LayerCheck[]> {
  const whole = optimize(graph, operators);
  const outputs = new Map(whole.nodes.map((node) => [node.name, node.output]));
  const observed = { ...whole, outputs };
  const session = await createSession(device, observed, { ...options, optimize: false });
  try {
    const results = await session.run(inputs);
    const values = new Map<Value, Float32Array>();
    for (const input of whole.inputs) values.set(input, inputs[input.name] ?? new Float32Array());
    for (const { name, output } of whole.nodes)
      values.set(output, results[name] ?? new Float32Array());
    return await checkLayers(whole.nodes, values, session.plan, options);
  } finally {
    session.dispose();
  }
}

async function checkLayers(
  nodes: readonly Node[],
  values: ReadonlyMap<Value, Float32Array>,
  plan: ExecutionPlan,
  { weights, onLayer, onCheck, signal }: VerifyOptions,
): Promise<readonly LayerCheck[]> {
  const reader = new ConstantReader(weights, () => {});
  const kernels = new Map(plan.dispatches.map(({ node, kernel }) => [node, kernel]));
  const dataOf = (value: Value): Float64Array =>
    Float64Array.from(isConstant(value) ? reader.read(value) : (values.get(value) ?? []));
  const checks: LayerCheck[] = [];
  for (const [i, node] of nodes.entries()) {
    onLayer?.(i, nodes.length);
    // Seconds a layer: a page must be able to breathe in between.
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    const data = Object.entries(node.inputs).map(([role, value]) => [role, dataOf(value)] as const);
    const expected = operatorOf(operators, node).reference(node, Object.fromEntries(data));
    const actual = values.get(node.output) ?? new Float32Array();
    const check = compare(node, kernels.get(node), expected, actual);
    onCheck?.(check);
    checks.push(check);
  }
  return checks.sort((a, b) => b.error - a.error);
}

function compare(
  node: Node,
  kernel: string | undefined,
  expected: Float64Array,
  actual: Float32Array,
): LayerCheck {
  let largest = Number.MIN_VALUE;
  let worst = -1;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((expected[i] ?? 0) - (actual[i] ?? Number.NaN));
    largest = Math.max(largest, Math.abs(expected[i] ?? 0));
    // NaN compares with nothing, and is the worst of all.
    if (difference > worst || Number.isNaN(difference)) {
      worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
      at = i;
    }
  }
  const error = worst / largest;
  return {
    layer: node.name,
    op: node.op,
    kernel,
    error,
    index: indexOf(at, node.output.desc.shape),
    expected: expected[at] ?? Number.NaN,
    actual: actual[at] ?? Number.NaN,
    ok: error <= TOLERANCE,
  };
}

function indexOf(element: number, shape: Shape): Shape {
  let rest = element;
  return shape
    .toReversed()
    .map((extent) => {
      const index = rest % extent;
      rest = Math.floor(rest / extent);
      return index;
    })
    .reverse();
}
