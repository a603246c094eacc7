/** Every layer on this device against the CPU, so that a wrong kernel, or a wrong driver, has a name. */
import { type CreateSessionOptions, createSession } from '../create_session.ts';
import { operators } from '../layers/index.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { type Graph, isConstant, type Node, type Value } from '../runtime/graph.ts';
import { operatorOf } from '../runtime/operator.ts';
import { assignLayout } from '../runtime/passes/assign_layout.ts';
import { assignPrecision } from '../runtime/passes/assign_precision.ts';
import { optimize } from '../runtime/passes/index.ts';
import type { ExecutionPlan } from '../runtime/plan/compile.ts';
import type { DType } from '../runtime/tensor.ts';
import { ConstantReader } from '../runtime/weights/constant_reader.ts';
import { type Deviation, deviation } from './deviation.ts';

/** How far one layer is from the CPU reference. */
export interface LayerCheck extends Deviation {
  readonly layer: string;
  readonly op: string;
  /** `undefined` for views, which nothing computes. */
  readonly kernel: string | undefined;
}

export interface VerifyOptions extends CreateSessionOptions {
  /** Called before each layer is computed on the CPU. */
  readonly onLayer?: (done: number, total: number) => void;
  /** Called with the check of each layer as it is made, in the order of the layers. */
  readonly onCheck?: (check: LayerCheck) => void;
}

/**
 * Runs a graph on the device with every layer as an output, and computes each layer anew on the CPU, in
 * f64, from what the device gave it and weights as they are stored: errors do not add up from layer to layer.
 * Worst layer first.
 * `inputs` are keyed by name. `signal` stops between two layers, too. Throws what `createSession` throws.
 */
export async function verify(
  device: Device,
  graph: Graph,
  inputs: Readonly<Record<string, Float32Array>>,
  options: VerifyOptions,
): Promise<readonly LayerCheck[]> {
  const { precision = 'f32' } = options;
  // Stored and laid out as a run has it, so that the same kernels are checked.
  const stored = assignPrecision(optimize(graph, operators), operators, precision);
  const whole = assignLayout(stored, operators, device.profile);
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

/** f16 where anything that the node reads or writes is. */
function precisionOf({ inputs, output }: Node): DType {
  const values = [...Object.values(inputs), output];
  return values.some(({ desc }) => desc.dtype === 'f16') ? 'f16' : 'f32';
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
    Float64Array.from(isConstant(value) ? reader.readStored(value) : (values.get(value) ?? []));
  const checks: LayerCheck[] = [];
  for (const [i, node] of nodes.entries()) {
    onLayer?.(i, nodes.length);
    // Seconds a layer: a page must be able to breathe in between.
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    const data = Object.entries(node.inputs).map(([role, value]) => [role, dataOf(value)] as const);
    const expected = operatorOf(operators, node).reference(node, Object.fromEntries(data));
    const actual = values.get(node.output) ?? new Float32Array();
    const check = {
      layer: node.name,
      op: node.op,
      kernel: kernels.get(node),
      ...deviation(expected, actual, node.output.desc.shape, precisionOf(node)),
    };
    onCheck?.(check);
    checks.push(check);
  }
  return checks.sort((a, b) => b.error - a.error);
}
