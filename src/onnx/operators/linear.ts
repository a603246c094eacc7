/** Gemm and MatMul: linear layers where the second factor is known, products of matrices elsewhere. */
import { apply } from '../../../shaders/lib/expression.ts';
import { add, mul } from '../../../shaders/lib/expression_functions.ts';
import { linearOp } from '../../layers/linear.ts';
import { matmul, matmulOp } from '../../layers/matmul.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { reshapeTo } from '../../layers/rearrange.ts';
import type { Value } from '../../runtime/graph.ts';
import { requireInput } from '../../runtime/operator.ts';
import { type Shape, shapesEqual } from '../../runtime/tensor.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import { type ImportCall, type Importers, numberOf } from '../import_node.ts';
import type { Constant } from '../tensor.ts';

/** As NumPy has it: a vector is a row before a matrix and a column after one, and its axis is dropped again. */
export function importMatMul(call: ImportCall): Value {
  const [x, second] = [call.value(0), call.operand(1)];
  const { constant } = second;
  const [left, right] = [call.shape(0), call.shape(1)];
  if (constant?.shape.length === 2 && left.length > 0) {
    return ofRows(call, x, linearWeight(call, constant, false, 1));
  }
  const [a, b] = [
    left.length === 1 ? reshapeTo(call.g.at('row'), x, [1, ...left]) : x,
    right.length === 1
      ? reshapeTo(call.g.at('column'), call.value(1), [...right, 1])
      : call.value(1),
  ];
  const dropped = [left.length === 1 ? -2 : 0, right.length === 1 ? -1 : 0].filter(
    (axis) => axis < 0,
  );
  if (dropped.length === 0) return matmul(call.g, a, b);
  const product = matmul(call.g.at('product'), a, b);
  const axes = dropped.map((axis) => axis + product.desc.shape.length);
  return reshapeTo(
    call.g,
    product,
    product.desc.shape.filter((_, axis) => !axes.includes(axis)),
  );
}

/** A linear layer of all rows of a tensor; the weight is [features, inputs]. */
export function ofRows(call: ImportCall, x: Value, weight: Value, bias?: Value): Value {
  const { shape } = x.desc;
  const weights = { weight, ...(bias && { bias }) };
  if (shape.length === 2) return call.g.add(linearOp, {}, { x, ...weights });
  const rows = reshapeTo(call.g.at('rows'), x, [-1, shape.at(-1) ?? 1]);
  const product = call.g.at('product').add(linearOp, {}, { x: rows, ...weights });
  // The first extent is left open, so that the batch may change.
  const outer = shape.slice(0, -1).map((extent, axis) => (axis === 0 ? -1 : extent));
  return reshapeTo(call.g, product, [...outer, weight.desc.shape[0] ?? 1]);
}

/** alpha A' B' + beta C */
export function importGemm(call: ImportCall): Value {
  const [transposeA, transposeB] = [call.flag('transA'), call.flag('transB')];
  const [scale, beta] = [call.float('alpha', 1), call.float('beta', 1)];
  const x = call.value(0);
  const second = call.operand(1).constant;
  const third = call.inputs[2];
  const g = third ? call.g.at('product') : call.g;
  if (second?.shape.length !== 2 || transposeA) {
    const product = matmul(g, x, call.value(1), { transposeA, transposeB, scale });
    return third ? plus(call, product, beta) : product;
  }
  const weight = linearWeight(call, second, transposeB, scale);
  const bias = third?.constant && biasOf(call, third.constant, weight.desc.shape[0] ?? 1, beta);
  if (bias) return call.g.add(linearOp, {}, { x, weight, bias });
  const product = g.add(linearOp, {}, { x, weight });
  return third ? plus(call, product, beta) : product;
}

/** [features, inputs], which is how a linear layer has it. */
export function linearWeight(
  call: ImportCall,
  matrix: Constant,
  transposed: boolean,
  scale: number,
): Value {
  const weight = call.place.weight(matrix);
  const [rows = 1, columns = 1] = matrix.shape;
  if (transposed) return scaled(call, weight, matrix.shape, scale);
  const what = scale === 1 ? 'transposed' : `transposed, times ${scale}`;
  return call.derived(weight, what, [columns, rows], (data) =>
    turned(data, rows, columns).map((w) => w * scale),
  );
}

function scaled(call: ImportCall, weight: Value, shape: Shape, scale: number): Value {
  if (scale === 1 && shapesEqual(shape, weight.desc.shape)) return weight;
  return call.derived(weight, `times ${scale}`, shape, (data) => data.map((w) => w * scale));
}

/** A matrix [rows, columns] as [columns, rows]. */
export function turned(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = matrix[row * columns + column] ?? 0;
    }
  }
  return result;
}

/** A row that is added to all rows; undefined where C is more than that. */
function biasOf(call: ImportCall, c: Constant, features: number, beta: number): Value | undefined {
  const [last = 1, ...others] = c.shape.toReversed();
  if (last !== features || others.some((extent) => extent !== 1)) return undefined;
  return scaled(call, call.place.weight(c), [features], beta);
}

function plus(call: ImportCall, product: Value, beta: number): Value {
  const c = numberOf(call.operand(2)) ?? call.value(2);
  return pointwise(call.g, [product, c], (sum = 0, more = 0) =>
    apply(add, sum, apply(mul, more, beta)),
  );
}

export const importers: Importers = { MatMul: importMatMul, Gemm: importGemm };

export const exporters: Exporters = [
  exporter(linearOp, (node, writer) => {
    const inputs = read(writer, node, 'x', 'weight', 'bias');
    writer.layer(node, 'Gemm', inputs, { transB: { int: 1 } });
  }),
  /** Gemm transposes and scales matrices, MatMul multiplies stacks of them. */
  exporter(matmulOp, (node, writer) => {
    const { transposeA, transposeB, scale } = node.attributes;
    const factors = [
      { value: requireInput(node, 'a'), transpose: transposeA },
      { value: requireInput(node, 'b'), transpose: transposeB },
    ];
    const matrices = factors.every(({ value }) => value.desc.shape.length === 2);
    if (matrices && (transposeA || transposeB || scale !== 1)) {
      const transposes = { transA: { int: transposeA }, transB: { int: transposeB } };
      const attributes = { ...transposes, alpha: { float: scale } };
      writer.layer(node, 'Gemm', read(writer, node, 'a', 'b'), attributes);
      return;
    }
    const inputs = factors.map(({ value, transpose }) => {
      const name = writer.nameOf(value);
      const axes = [...value.desc.shape.keys()];
      const perm = { ints: [...axes.slice(0, -2), ...axes.slice(-2).reverse()] };
      return transpose ? writer.step(node, 'Transpose', [name], { perm }) : name;
    });
    if (scale === 1) writer.layer(node, 'MatMul', inputs);
    else {
      const product = writer.step(node, 'MatMul', inputs);
      writer.layer(node, 'Mul', [product, writer.scalar(node, 'scale', scale)]);
    }
  }),
];
