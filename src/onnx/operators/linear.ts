/** Gemm and MatMul: linear layers where the second factor is known, products of matrices elsewhere. */
import { apply } from '../../../shaders/lib/expression.ts';
import { add, mul } from '../../../shaders/lib/expression_functions.ts';
import { linearOp } from '../../layers/linear.ts';
import { type MatmulAttributes, matmul, matmulOp } from '../../layers/matmul.ts';
import { pointwise } from '../../layers/pointwise.ts';
import type { Node, Value } from '../../runtime/graph.ts';
import { inputShape } from '../../runtime/operator.ts';
import { exporter, read, readGiven } from '../exporter.ts';
import { derived, type ImportCall, numberOf, operand, value } from '../import_node.ts';
import type { OnnxWriter } from '../onnx_writer.ts';
import type { Constant } from '../tensor.ts';
import type { OperatorRows } from './rows.ts';

function importMatMul(call: ImportCall): Value {
  const x = value(call, 0);
  const second = operand(call, 1);
  const matrices = x.desc.shape.length === 2 && second.constant?.shape.length === 2;
  if (!second.constant || !matrices) return matmul(call.g, x, value(call, 1));
  return call.g.add(linearOp, {}, { x, weight: linearWeight(call, second.constant, false, 1) });
}

/** alpha A' B' + beta C */
function importGemm(call: ImportCall): Value {
  const { attributes, g } = call;
  const [transposeA, transposeB] = [
    attributes.int('transA', 0) === 1,
    attributes.int('transB', 0) === 1,
  ];
  const [alpha, beta] = [attributes.float('alpha', 1), attributes.float('beta', 1)];
  const second = operand(call, 1).constant;
  const third = call.inputs[2];
  if (second?.shape.length !== 2 || transposeA) {
    const product = matmul(third ? g.at('product') : g, value(call, 0), value(call, 1), {
      transposeA,
      transposeB,
      scale: alpha,
    });
    return third ? plus(call, product, beta) : product;
  }
  const x = value(call, 0);
  const weight = linearWeight(call, second, transposeB, alpha);
  if (!third) return g.add(linearOp, {}, { x, weight });
  const features = weight.desc.shape[0] ?? 1;
  const bias = third.constant && biasOf(call, third.constant, features, beta);
  if (bias) return g.add(linearOp, {}, { x, weight, bias });
  return plus(call, g.at('product').add(linearOp, {}, { x, weight }), beta);
}

/** [features, inputs], which is how a linear layer has it. */
function linearWeight(
  call: ImportCall,
  matrix: Constant,
  transposed: boolean,
  scale: number,
): Value {
  const weight = call.weight(matrix);
  const [rows = 1, columns = 1] = matrix.shape;
  if (transposed && scale === 1) return weight;
  if (transposed) {
    return derived(weight, `times ${scale}`, matrix.shape, (data) => data.map((w) => w * scale));
  }
  const what = scale === 1 ? 'transposed' : `transposed, times ${scale}`;
  return derived(weight, what, [columns, rows], (data) => {
    const turned = new Float32Array(data.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        turned[column * rows + row] = (data[row * columns + column] ?? 0) * scale;
      }
    }
    return turned;
  });
}

/** A row that is added to all rows; undefined where C is more than that. */
function biasOf(call: ImportCall, c: Constant, features: number, beta: number): Value | undefined {
  const [last = 1, ...others] = c.shape.toReversed();
  if (last !== features || others.some((extent) => extent !== 1)) return undefined;
  const bias = call.weight(c);
  if (beta === 1 && others.length === 0) return bias;
  return derived(bias, `times ${beta}`, [features], (data) => data.map((b) => b * beta));
}

function plus(call: ImportCall, product: Value, beta: number): Value {
  const c = numberOf(operand(call, 2)) ?? value(call, 2);
  return pointwise(call.g, [product, c], (sum = 0, more = 0) =>
    apply(add, sum, apply(mul, more, beta)),
  );
}

/** Gemm transposes and scales matrices, MatMul multiplies stacks of them. */
function writeMatmul(node: Node<MatmulAttributes, 'a' | 'b'>, writer: OnnxWriter): void {
  const { transposeA, transposeB, scale } = node.attributes;
  const [a = '', b = ''] = read(writer, node, 'a', 'b');
  const ranks = [inputShape(node, 'a').length, inputShape(node, 'b').length] as const;
  if (ranks.every((rank) => rank === 2) && (transposeA || transposeB || scale !== 1)) {
    writer.layer(node, 'Gemm', [a, b], {
      transA: { int: transposeA ? 1 : 0 },
      transB: { int: transposeB ? 1 : 0 },
      alpha: { float: scale },
    });
    return;
  }
  const transposed = (name: string, rank: number): string => {
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    const perm = { ints: [...axes.slice(0, -2), rank - 1, rank - 2] };
    return writer.step(node, 'Transpose', [name], { perm });
  };
  const factors = [
    transposeA ? transposed(a, ranks[0]) : a,
    transposeB ? transposed(b, ranks[1]) : b,
  ];
  if (scale === 1) writer.layer(node, 'MatMul', factors);
  else {
    const product = writer.step(node, 'MatMul', factors);
    writer.layer(node, 'Mul', [product, writer.scalar(node, 'scale', scale)]);
  }
}

export const linear: OperatorRows = {
  importers: { MatMul: importMatMul, Gemm: importGemm },
  exporters: [
    exporter(linearOp, (node, writer) => {
      const inputs = readGiven(writer, node, 'x', 'weight', 'bias');
      writer.layer(node, 'Gemm', inputs, { transB: { int: 1 } });
    }),
    exporter(matmulOp, writeMatmul),
  ],
};
