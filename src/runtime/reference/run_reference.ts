/** The oracle: any graph on the CPU, in f64, one operator at a time. Slow, and independent of the kernels. */

import { referenceOf } from '../epilogue.ts';
import { ShapeError } from '../errors.ts';
import { type Graph, isConstant, type Value } from '../graph.ts';
import { ConstantReader } from '../weights/constant_reader.ts';
import { roundToFloat16 } from '../weights/float_formats.ts';
import type { WeightSource } from '../weights/weight_source.ts';

/**
 * Every activation of a graph, in f64. `inputs` are keyed by input name.
 * Throws ShapeError for a missing input, WeightError for a missing weight.
 */
export function runReference(
  graph: Graph,
  weights: WeightSource,
  inputs: Readonly<Record<string, Float32Array>>,
): ReadonlyMap<Value, Float64Array> {
  const reader = new ConstantReader(weights, () => {});
  const values = new Map<Value, Float64Array>();
  for (const input of graph.inputs) {
    const data = inputs[input.name];
    if (!data) throw new ShapeError(`graph "${graph.name}" needs the input "${input.name}"`);
    const stored = input.desc.dtype === 'f16' ? roundToFloat16(data) : data;
    values.set(input, Float64Array.from(stored));
  }
  const dataOf = (value: Value): Float64Array => {
    const known = values.get(value);
    if (known) return known;
    if (!isConstant(value)) throw new ShapeError(`"${value.name}" is read before it is computed`);
    return Float64Array.from(reader.readStored(value));
  };
  for (const node of graph.nodes) {
    const data = Object.entries(node.inputs).map(([role, value]) => [role, dataOf(value)] as const);
    values.set(node.output, referenceOf(node, Object.fromEntries(data)));
  }
  return values;
}
