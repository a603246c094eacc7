/** How a normalisation by statistics of the input is written. */
import { type NormalizeAttributes, normalizeOp } from '../../layers/normalize.ts';
import type { Node } from '../../runtime/graph.ts';
import { inputShape } from '../../runtime/operator.ts';
import { elementCount, type Shape } from '../../runtime/tensor.ts';
import { type Exporter, exporter } from '../exporter.ts';
import type { OnnxWriter } from '../onnx_writer.ts';

/** Axes of x, which may be x with a cut axis. */
interface Part {
  readonly name: string;
  readonly shape: Shape;
  readonly from: number;
  readonly to: number;
}

/** Under the operators that ONNX has, whose scale is 1 here, else step by step. */
export const normalized: Exporter = exporter(normalizeOp, (node, writer) => {
  const { from, to, groups } = node.attributes;
  const shape = inputShape(node, 'x');
  const [x] = Object.values(node.inputs);
  const name = x ? writer.nameOf(x) : '';
  if (groups === 1) {
    write(node, writer, { name, shape, from, to }, true);
    return;
  }
  // Each group an extent of an axis of its own.
  const { [from]: extent = 1 } = shape;
  const cut = shape.toSpliced(from, 1, groups, extent / groups);
  const open = (extents: Shape): Shape => (from > 0 ? extents.with(0, 0) : extents);
  const reshaped = (value: string, extents: Shape) =>
    [value, writer.integers(node, 'shape', open(extents))] as const;
  // Batches may be of any size, where the first axis stays the first.
  const grouped = writer.step(node, 'Reshape', reshaped(name, cut));
  const part = { name: grouped, shape: cut, from: from + 1, to: to + 1 };
  const result = write(node, writer, part, false);
  writer.layer(node, 'Reshape', reshaped(result, shape));
});

/** Ends with the node's output, where it `isLast`; the name of what it makes. */
function write(
  node: Node<NormalizeAttributes, 'x'>,
  writer: OnnxWriter,
  { name, shape, from, to }: Part,
  isLast: boolean,
): string {
  const { centred, epsilon } = node.attributes;
  const add: OnnxWriter['step'] = (...call) => {
    if (!isLast) return writer.step(...call);
    writer.layer(...call);
    return '';
  };
  const rank = shape.length;
  if (centred && to === rank && from === 2) {
    const { 1: channels = 1 } = shape;
    const [scale, bias] = [1, 0].map((value) =>
      writer.floats(`${node.name}/${value}`, [channels], new Float32Array(channels).fill(value)),
    );
    return add(node, 'InstanceNormalization', [name, scale ?? '', bias ?? ''], {
      epsilon: { float: epsilon },
    });
  }
  if (centred && to === rank) {
    const extents = shape.slice(from);
    const ones = new Float32Array(elementCount(extents)).fill(1);
    return add(node, 'LayerNormalization', [name, writer.floats(`${node.name}/1`, extents, ones)], {
      axis: { int: from },
      epsilon: { float: epsilon },
    });
  }
  writer.requireOpset(18);
  const list = Array.from({ length: to - from }, (_, i) => from + i);
  const axes = writer.integers(node, 'axes', list);
  const meanOf = (value: string): string => writer.step(node, 'ReduceMean', [value, axes]);
  const rest = centred ? writer.step(node, 'Sub', [name, meanOf(name)]) : name;
  const variance = meanOf(writer.step(node, 'Mul', [rest, rest]));
  const sum = writer.step(node, 'Add', [variance, writer.scalar(node, 'epsilon', epsilon)]);
  return add(node, 'Div', [rest, writer.step(node, 'Sqrt', [sum])]);
}
