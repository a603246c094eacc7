/** What the operators become in ONNX that work on any tensor: activations, arithmetic, products, reductions, views. */
import { type ActivationAttributes, LARGEST } from '../layers/activations.ts';
import type { BinaryAttributes } from '../layers/binary.ts';
import type { LocalResponseNormAttributes } from '../layers/local_response_norm.ts';
import type { MatmulAttributes } from '../layers/matmul.ts';
import type { Pad2dAttributes } from '../layers/pad2d.ts';
import type { ReduceAttributes } from '../layers/reduce.ts';
import type { ReshapeAttributes } from '../layers/reshape.ts';
import type { Node } from '../runtime/graph.ts';
import { inputShape } from '../runtime/operator.ts';
import type { Attribute } from './attribute.ts';
import { type Exporter, read } from './exporter.ts';
import type { OnnxWriter } from './onnx_writer.ts';

function unary(
  opType: string,
  attributesOf: (given: ActivationAttributes) => Readonly<Record<string, Attribute>> = () => ({}),
): Exporter<ActivationAttributes> {
  return (node, writer) => {
    const inputs = read(writer, node, 'x');
    const output = writer.nameOf(node.output);
    writer.node(opType, node.name, inputs, output, attributesOf(node.attributes));
  };
}

/** How values are stored is every runtime's own choice. */
const convert: Exporter = (node, writer) => {
  writer.node('Identity', node.name, read(writer, node, 'x'), writer.nameOf(node.output));
};

const clip: Exporter<ActivationAttributes> = (node, writer) => {
  const { a: least, b: most } = node.attributes;
  const bound = (name: string, value: number) =>
    Math.abs(value) < LARGEST ? scalar(writer, `${node.name}/${name}`, value) : '';
  const inputs = [...read(writer, node, 'x'), bound('min', least), bound('max', most)];
  writer.node('Clip', node.name, inputs, writer.nameOf(node.output));
};

const BINARY = { add: 'Add', sub: 'Sub', mul: 'Mul', div: 'Div' } as const;

const binary: Exporter<BinaryAttributes> = (node, writer) => {
  const opType = BINARY[node.attributes.kind];
  writer.node(opType, node.name, read(writer, node, 'a', 'b'), writer.nameOf(node.output));
};

/** Gemm transposes and scales matrices, MatMul multiplies stacks of them. */
const matmul: Exporter<MatmulAttributes> = (node, writer) => {
  const { transposeA, transposeB, scale } = node.attributes;
  const [a = '', b = ''] = read(writer, node, 'a', 'b');
  const output = writer.nameOf(node.output);
  const matrices = ['a', 'b'].every((role) => inputShape(node, role).length === 2);
  if (matrices && (transposeA || transposeB || scale !== 1)) {
    writer.node('Gemm', node.name, [a, b], output, {
      transA: { int: transposeA ? 1 : 0 },
      transB: { int: transposeB ? 1 : 0 },
      alpha: { float: scale },
    });
    return;
  }
  const factors = [
    transposeA ? transposed(node, writer, 'a', a) : a,
    transposeB ? transposed(node, writer, 'b', b) : b,
  ];
  const product = scale === 1 ? output : writer.between(node, 'MatMul');
  writer.node('MatMul', node.name, factors, product);
  if (scale !== 1) {
    const factor = scalar(writer, `${node.name}/scale`, scale);
    writer.node('Mul', `${node.name}/Mul`, [product, factor], output);
  }
};

/** The name of a factor whose last two axes are exchanged. */
function transposed(node: Node, writer: OnnxWriter, role: string, name: string): string {
  const axes = inputShape(node, role).map((_, axis) => axis);
  const perm = { ints: [...axes.slice(0, -2), ...axes.slice(-2).toReversed()] };
  const turned = writer.between(node, `${role}/Transpose`);
  writer.node('Transpose', `${node.name}/${role}/Transpose`, [name], turned, { perm });
  return turned;
}

/** Axes as an input, which is how it stays from operator set 18 on. */
const reduce: Exporter<ReduceAttributes> = (node, writer) => {
  const { kind, from, to, keepAxes } = node.attributes;
  writer.requireOpset(18);
  const list = Array.from({ length: to - from }, (_, i) => from + i);
  const axes = writer.integers(`${node.name}/axes`, list);
  writer.node(
    kind === 'mean' ? 'ReduceMean' : 'ReduceMax',
    node.name,
    [...read(writer, node, 'x'), axes],
    writer.nameOf(node.output),
    { keepdims: { int: keepAxes ? 1 : 0 } },
  );
};

const localResponseNorm: Exporter<LocalResponseNormAttributes> = (node, writer) => {
  const { size, alpha, beta, bias } = node.attributes;
  writer.node('LRN', node.name, read(writer, node, 'x'), writer.nameOf(node.output), {
    size: { int: size },
    alpha: { float: alpha },
    beta: { float: beta },
    bias: { float: bias },
  });
};

const pad2d: Exporter<Pad2dAttributes> = (node, writer) => {
  const { padding, mode, value } = node.attributes;
  const { top, left, bottom, right } = padding;
  const pads = writer.integers(`${node.name}/pads`, [0, 0, top, left, 0, 0, bottom, right]);
  const filling = mode === 'constant' ? [scalar(writer, `${node.name}/value`, value)] : [];
  const inputs = [...read(writer, node, 'x'), pads, ...filling];
  writer.node('Pad', node.name, inputs, writer.nameOf(node.output), { mode: { string: mode } });
};

/** A batch that stays is written as 0, which keeps an extent, so that it may be left open. */
const reshape: Exporter<ReshapeAttributes> = (node, writer) => {
  const [batch] = inputShape(node, 'x');
  const { extents } = node.attributes;
  const asked = extents.map((extent, axis) => (axis === 0 && extent === batch ? 0 : extent));
  const shape = writer.integers(`${node.name}/shape`, asked);
  writer.node(
    'Reshape',
    node.name,
    [...read(writer, node, 'x'), shape],
    writer.nameOf(node.output),
  );
};

function scalar(writer: OnnxWriter, name: string, value: number): string {
  return writer.floats(name, [], Float32Array.of(value));
}

/** By the operator's name. */
export const arithmeticExporters: Readonly<Record<string, Exporter>> = {
  clip,
  leaky_relu: unary('LeakyRelu', ({ a }) => ({ alpha: { float: a } })),
  sigmoid: unary('Sigmoid'),
  hard_sigmoid: unary('HardSigmoid', ({ a, b }) => ({ alpha: { float: a }, beta: { float: b } })),
  hard_swish: unary('HardSwish'),
  convert,
  binary,
  matmul,
  reduce,
  local_response_norm: localResponseNorm,
  pad2d,
  reshape,
};
