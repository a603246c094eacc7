/** The oracle: any graph on the CPU, in f64, one operator at a time. Slow, and independent of the kernels. */

import { evaluator, operandsOf } from '../../../shaders/lib/expression.ts';
import { checkValues, given, ownValue } from '../arguments.ts';
import { ShapeError, UnsupportedError } from '../errors.ts';
import {
  type DataByRole,
  type Graph,
  isConstant,
  type Node,
  RESULT,
  type Value,
} from '../graph.ts';
import { describe, shapeError } from '../operator.ts';
import { elementCount, formatShape } from '../tensor.ts';
import { ConstantReader } from '../weights/constant_reader.ts';
import { roundToFloat16 } from '../weights/float_formats.ts';
import type { WeightSource } from '../weights/weight_source.ts';
import { mapBroadcast } from './map_broadcast.ts';

/** What operators compute without their epilogues, by name: the oracle that kernels are checked against. */
export type References = Readonly<Record<string, Reference['compute']>>;

/** What an operator means, in f64. */
export interface Reference {
  /**
   * The output of a node, row-major.
   *
   * @param node - Any of the operator.
   * @param inputs - By role, row-major.
   */
  compute(node: Node, inputs: DataByRole): Float64Array;
}

/**
 * A node in f64, without its epilogue. Throws UnsupportedError where its operator has no reference, ShapeError where
 * that returns anything but as many values as the node has.
 */
export function resultOf(node: Node, data: DataByRole, references: References): Float64Array {
  const { name } = node.op;
  const compute = node.op.reference ?? ownValue(references, name);
  if (typeof compute !== 'function') {
    throw new UnsupportedError(
      `${describe(node)}: the operator has no reference on the CPU; hand one in under the name "${name}"`,
    );
  }
  const result: unknown = compute(node, data);
  const { shape } = node.output.desc;
  const count = elementCount(shape);
  if (result instanceof Float64Array && result.length === count) return result;
  throw shapeError(
    node,
    `the reference must return a Float64Array of ${count} values ${formatShape(shape)}, got ${given(result)}`,
  );
}

/** A node in f64. */
export function referenceOf(node: Node, data: DataByRole, references: References): Float64Array {
  const result = resultOf(node, data, references);
  if (!node.epilogue) return result;
  const roles = operandsOf(node.epilogue);
  const operands = roles.map((role) =>
    role === RESULT
      ? { data: result, shape: node.output.desc.shape }
      : { data: data[role] ?? new Float64Array(), shape: node.inputs[role]?.desc.shape ?? [] },
  );
  return mapBroadcast(operands, node.output.desc.shape, evaluator(node.epilogue, roles));
}

/**
 * Every activation of a graph, in f64. `inputs` are keyed by input name.
 * Throws ShapeError for an input that is missing or of the wrong length, WeightError for a missing weight, and what
 * `resultOf` throws.
 */
export function runReference(
  graph: Graph,
  weights: WeightSource,
  inputs: Readonly<Record<string, Float32Array>>,
  references: References,
): ReadonlyMap<Value, Float64Array> {
  const reader = new ConstantReader(weights, () => {});
  const values = new Map<Value, Float64Array>();
  for (const input of graph.inputs) {
    const { name, desc } = input;
    const data: unknown = ownValue(inputs, name);
    checkValues(ShapeError, `input "${name}" of "${graph.name}"`, desc.shape, data);
    const stored = desc.dtype === 'f16' ? roundToFloat16(data) : data;
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
    values.set(node.output, referenceOf(node, Object.fromEntries(data), references));
  }
  return values;
}
