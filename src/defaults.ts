/** The runtime with the operators of this library, which it knows only as a table. */
import { operators } from './layers/index.ts';
import type { Device } from './runtime/gpu/device.ts';
import type { Graph, Node, Value } from './runtime/graph.ts';
import { operatorOf } from './runtime/operator.ts';
import { assignPrecision } from './runtime/passes/assign_precision.ts';
import { optimize } from './runtime/passes/index.ts';
import { type PassReport, reportPasses as reportPassesWith } from './runtime/passes/report.ts';
import { compile, type ExecutionPlan } from './runtime/plan/compile.ts';
import type { Tuning } from './runtime/plan/tuning.ts';
import { runReference as runReferenceWith } from './runtime/reference/run_reference.ts';
import type { DType } from './runtime/tensor.ts';
import type { WeightSource } from './runtime/weights/weight_source.ts';

export { operators };

/** What a session of this graph would run on a device, without allocating anything. */
export function planFor(
  device: Device,
  graph: Graph,
  precision: DType = 'f32',
  tuning?: Tuning,
): ExecutionPlan {
  const stored = assignPrecision(optimize(graph, operators), operators, precision);
  return compile(stored, { operators, device: device.profile, tuning });
}

export type { PassReport };

/** What each pass that leads to a precision makes of a graph, in order; with a device, what is done for it, too. */
export function reportPasses(
  graph: Graph,
  precision: DType = 'f32',
  device?: Device,
): readonly PassReport[] {
  return reportPassesWith(graph, operators, precision, device?.profile);
}

/** Multiply-adds of one run of a node, as the field counts them: of convolutions and linear layers only. */
export function multiplyAdds(node: Node): number {
  return operatorOf(operators, node).multiplyAdds(node);
}

/** Every activation of a graph, computed on the CPU in f64: the oracle that kernels are checked against. Slow. */
export function runReference(
  graph: Graph,
  weights: WeightSource,
  inputs: Readonly<Record<string, Float32Array>>,
): ReadonlyMap<Value, Float64Array> {
  return runReferenceWith(graph, operators, weights, inputs);
}
