/** The references of this library's operators, which the runtime is handed. */

import { references } from './layers/references.ts';
import type { DataByRole, Graph, Node, Value } from './runtime/graph.ts';
import { checkKinds } from './runtime/kinds.ts';
import * as runtime from './runtime/reference/run_reference.ts';
import type { WeightSource } from './runtime/weights/weight_source.ts';

export type References = runtime.References;

/**
 * Every activation of a graph, in f64. `inputs` are keyed by input name, `own` by the names of operators that this
 * library does not have.
 * Throws ShapeError for an input that is missing or of the wrong length, WeightError for a missing weight,
 * UnsupportedError for an operator without reference.
 */
export function runReference(
  graph: Graph,
  weights: WeightSource,
  inputs: Readonly<Record<string, Float32Array>>,
  own: References = {},
): ReadonlyMap<Value, Float64Array> {
  checkKinds('runReference', { graph, weights, own });
  return runtime.runReference(graph, weights, inputs, { ...references, ...own });
}

/** A node in f64, with its epilogue. */
export function referenceOf(node: Node, data: DataByRole, own: References = {}): Float64Array {
  return runtime.referenceOf(node, data, { ...references, ...own });
}

/** A node in f64, without its epilogue. */
export function resultOf(node: Node, data: DataByRole): Float64Array {
  return runtime.resultOf(node, data, references);
}
