/**
 * Tilewise: convnets on WebGPU.
 *
 * ```ts
 * const device = await Device.open(navigator.gpu);
 * const session = await createSession(device, buildModel(findModel('lenet')), { weights });
 * const { logits } = await session.run(pixels);
 * ```
 */
import { operators } from './layers/index.ts';
import type { Device } from './runtime/gpu/device.ts';
import type { Graph, Value } from './runtime/graph.ts';
import { optimize } from './runtime/passes/index.ts';
import { compile, type ExecutionPlan } from './runtime/plan/compile.ts';
import { runReference as runReferenceWith } from './runtime/reference/run_reference.ts';
import { Session, type SessionOptions } from './runtime/session.ts';
import type { WeightSource } from './runtime/weights/weight_source.ts';

export {
  adaptiveAveragePool2d,
  globalAveragePool2d,
} from './layers/adaptive_average_pool2d.ts';
export { add } from './layers/add.ts';
export { batchNorm } from './layers/batch_norm.ts';
export { concat } from './layers/concat.ts';
export { type Conv2dOptions, conv2d } from './layers/conv2d.ts';
export { flatten } from './layers/flatten.ts';
export { type LinearOptions, linear } from './layers/linear.ts';
export {
  type AveragePool2dOptions,
  averagePool2d,
  maxPool2d,
  type Pool2dOptions,
} from './layers/pool2d.ts';
export { relu } from './layers/relu.ts';
export { softmax } from './layers/softmax.ts';
export type { PaddingLike, PairLike } from './layers/window.ts';
export { findModel, models } from './models/index.ts';
export { lenet } from './models/lenet.ts';
export { type BuildOptions, buildModel, type ModelDef } from './models/model.ts';
export {
  type BlockOptions,
  downscalingResidualBlock,
  type ResnetOptions,
  residualBlock,
  resnet,
  type StridePlacement,
} from './models/resnet.ts';
export {
  DeviceLostError,
  ShaderError,
  ShapeError,
  TilewiseError,
  UnsupportedError,
  WeightError,
} from './runtime/errors.ts';
export {
  type AdapterFacts,
  adapterFacts,
  Device,
  type OpenDeviceOptions,
} from './runtime/gpu/device.ts';
export { GpuError } from './runtime/gpu/errors.ts';
export type { InputData, InputWriter } from './runtime/gpu/executor.ts';
export { type Graph, type Node, type Value, weightsOf } from './runtime/graph.ts';
export { GraphBuilder } from './runtime/graph_builder.ts';
export type { MemoryUse } from './runtime/plan/compile.ts';
export type {
  RunInputs,
  RunOptions,
  RunOutputs,
  Session,
  SessionProgress,
} from './runtime/session.ts';
export { elementCount, formatShape, type Shape } from './runtime/tensor.ts';
export { type FetchOptions, fetchSafetensors } from './runtime/weights/fetch_weights.ts';
export { openSafetensors } from './runtime/weights/safetensors.ts';
export { syntheticInput, syntheticWeights } from './runtime/weights/synthetic.ts';
export type { TensorInfo, WeightSource } from './runtime/weights/weight_source.ts';

export type CreateSessionOptions = Omit<SessionOptions, 'operators'>;

/** Session.create with the operators of this library. */
export function createSession(
  device: Device,
  graph: Graph,
  options: CreateSessionOptions,
): Promise<Session> {
  return Session.create(device, graph, { ...options, operators });
}

/** What a session of this graph would run on a device, without allocating anything. */
export function planFor(device: Device, graph: Graph): ExecutionPlan {
  return compile(optimize(graph, operators), { operators, device: device.profile });
}

export { operators };

/** Runs a graph on the CPU, in f64: the oracle that kernels are checked against. Slow. */
export function runReference(
  graph: Graph,
  weights: WeightSource,
  inputs: Readonly<Record<string, Float32Array>>,
): ReadonlyMap<Value, Float64Array> {
  return runReferenceWith(graph, operators, weights, inputs);
}
