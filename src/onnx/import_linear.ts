/** Gemm and MatMul: linear layers where the second factor is known, products of matrices elsewhere. */
import { binary } from '../layers/binary.ts';
import { linearOp } from '../layers/linear.ts';
import { matmul } from '../layers/matmul.ts';
import type { Value } from '../runtime/graph.ts';
import { constant } from './fold.ts';
import { derived, type ImportCall, operand, value } from './import_node.ts';
import type { Constant } from './tensor.ts';

export function matMul(call: ImportCall): Value {
  const x = value(call, 0);
  const second = operand(call, 1);
  const matrices = x.desc.shape.length === 2 && second.constant?.shape.length === 2;
  if (!second.constant || !matrices) return matmul(call.g, x, value(call, 1));
  return call.g.add(linearOp, {}, { x, weight: linearWeight(call, second.constant, false, 1) });
}

/** alpha A' B' + beta C */
export function gemm(call: ImportCall): Value {
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
  const c = value(call, 2);
  if (beta === 1) return binary(call.g, 'add', product, c);
  const factor = call.weight(constant(`${product.name} beta`, [1], [beta], true));
  return binary(call.g, 'add', product, binary(call.g.at('scaled'), 'mul', c, factor));
}
