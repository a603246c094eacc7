/** The references of this library's operators, which the runtime is handed. */

import { references } from './layers/references.ts';
import type { DataByRole, Graph, Node, Value } from './runtime/graph.ts';
import { checkKinds } from './runtime/kinds.ts';
import * as runtime from './runtime/reference/run_reference.ts';
import type { WeightSource } from './runtime/weights/weight_source.ts';

/** f64 references of operators that this library does not have, by name. */
export type References = runtime.References;

/**
 * Every activation of a graph, in f64. `inputs` are keyed by input name, `own` by the names of operators that this
 * library does not have.
 *
 * @param graph - Any.
 * @param weights - All that the graph reads.
 * @param inputs - By name, row-major.
 * @param own - References of operators of your own.
 * @returns The data of every value that a node makes.
 * @throws ShapeError for an input that is missing or of the wrong length.
 * @throws WeightError for a missing weight.
 * @throws UnsupportedError for an operator without reference.
 *
 * @example
 * const values = runReference(graph, weights, { input: pixels });
 * const expected = [...graph.outputs.values()].map((value) => values.get(value));
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
