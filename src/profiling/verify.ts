/** Every layer on this device against the CPU, so that a wrong kernel, or a wrong driver, has a name. */

import { type CreateSessionOptions, createSession } from '../create_session.ts';
import { type References, referenceOf } from '../reference.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { type Graph, isConstant, type Node, type Value } from '../runtime/graph.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { Session } from '../runtime/session.ts';
import type { DType } from '../runtime/tensor.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { ConstantReader } from '../runtime/weights/constant_reader.ts';
import { type Deviation, deviation } from './deviation.ts';

/** How far one layer is from the CPU reference. */
export interface LayerCheck extends Deviation {
  /** Its name, in the graph of the plan. */
  readonly layer: string;
  /** Its operator. */
  readonly op: string;
  /** The layers of the model that it computes: itself and those fused into it. */
  readonly computes: readonly string[];
  /** `undefined` where nothing runs: the layer's output is a view of its input. */
  readonly kernel: string | undefined;
}

/** What `createSession` takes, and who hears of the checks. */
export interface VerifyOptions extends CreateSessionOptions {
  /** Of operators that this library does not have, by name: see `runReference`. */
  readonly references?: References;
  /** Called before each layer is computed on the CPU. */
  readonly onLayer?: (done: number, total: number) => void;
  /** Called with the check of each layer as it is made, in the order of the layers. */
  readonly onCheck?: (check: LayerCheck) => void;
}

/**
 * Runs a graph on the device as a session of the same options does, with every layer as an output, and computes each
 * layer anew on the CPU, in f64, from what the device gave it and weights as they are stored: errors do not add up from
 * layer to layer. Worst layer first. `inputs` are keyed by name. `signal` stops the run, too, and between two layers.
 *
 * @param device - Open.
 * @param graph - Any.
 * @param inputs - By name, row-major.
 * @param options - The weights at least; precision as that of the session to be checked.
 * @throws What `createSession` throws.
 * @throws UnsupportedError for an operator without a reference.
 *
 * @example
 * const [worst] = await verify(device, graph, { input: pixels }, { weights });
 * if (worst && !worst.ok) console.warn(worst.layer, worst.error);
 */
export async function verify(
  device: Device,
  graph: Graph,
  inputs: Readonly<Record<string, Float32Array>>,
  options: VerifyOptions,
): Promise<readonly LayerCheck[]> {
  checkKinds('verify', { device, graph, options });
  const session = await createSession(device, graph, { ...options, observed: true });
  try {
    const results = await session.run(inputs, { signal: options.signal });
    return await checkLayers(session, inputs, results, options);
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
  { prepared: { plan, parts, origin } }: Session,
  inputs: Readonly<Record<string, Float32Array>>,
  results: Readonly<Record<string, Float32Array>>,
  { weights, references, onLayer, onCheck, signal }: VerifyOptions,
): Promise<readonly LayerCheck[]> {
  const { nodes } = plan.graph;
  const reader = new ConstantReader(weights, () => {});
  const dispatches = new Map(plan.dispatches.map((dispatch) => [dispatch.node, dispatch]));
  const values = new Map<Value, Float32Array>();
  for (const input of plan.graph.inputs)
    values.set(input, inputs[input.name] ?? new Float32Array());
  for (const { name, output } of nodes) values.set(output, results[name] ?? new Float32Array());
  const dataOf = (value: Value, part: number): Float64Array =>
    isConstant(value)
      ? Float64Array.from(reader.readStored(value))
      : Float64Array.from(partOf(values.get(value) ?? new Float32Array(), value.desc.shape, part));
  const checks: LayerCheck[] = [];
  for (const [i, node] of nodes.entries()) {
    onLayer?.(i, nodes.length);
    // A layer may take seconds: a page must be able to draw in between.
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    const deviations = Array.from({ length: parts }, (_, part) => {
      const entries = Object.entries(node.inputs).map(
        ([role, value]) => [role, dataOf(value, part)] as const,
      );
      const { shape } = node.output.desc;
      const actual = partOf(values.get(node.output) ?? new Float32Array(), shape, part);
      return deviation(
        referenceOf(node, Object.fromEntries(entries), references),
        actual,
        shape,
        precisionOf(node),
      );
    });
    const worst = deviations.reduce((found, one) => (one.error > found.error ? one : found));
    const dispatch = dispatches.get(node);
    const check = {
      layer: node.name,
      op: node.op.name,
      computes: (origin.get(node) ?? []).map(({ name }) => name),
      kernel: dispatch?.kernel,
      ...worst,
    };
    onCheck?.(check);
    checks.push(check);
  }
  return checks.sort((a, b) => b.error - a.error);
}

/** The share of a tensor that belongs to one part of a cut batch: all of it, where there is one part. */
function partOf(data: Float32Array, shape: Shape, part: number): Float32Array {
  const length = elementCount(shape);
  return data.subarray(part * length, (part + 1) * length);
}
