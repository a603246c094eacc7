/** The epilogue of a node as its kernels and the reference see it. */
import type { Epilogue, EpilogueOperand } from '../../shaders/lib/epilogue.ts';
import { evaluator, operandsOf } from '../../shaders/lib/expression.ts';
import { alignedTo, broadcastStrides } from './broadcast.ts';
import type { DataByRole, Node } from './graph.ts';
import { RESULT } from './graph.ts';
import { denseStrides, elementCount, type Shape, type TensorDesc, viewOfDesc } from './tensor.ts';

/** How an operand follows the elements of an output [N, C, ...]; undefined where a kernel cannot tell. */
export function operandStrides(
  operand: TensorDesc,
  output: Shape,
): EpilogueOperand['strides'] | undefined {
  const rank = Math.max(2, output.length);
  if (operand.shape.length > rank) return undefined;
  const extents = alignedTo(operand.shape, rank);
  const whole = alignedTo(output, rank);
  if (extents.some((extent, axis) => extent !== 1 && extent !== whole[axis])) return undefined;
  const { offset, strides } = viewOfDesc(operand);
  const aligned = [...Array<number>(rank - strides.length).fill(0), ...strides];
  const stride = (axis: number): number => (extents[axis] === 1 ? 0 : (aligned[axis] ?? 0));
  const inner = extents.slice(2);
  const repeats = inner.every((extent) => extent === 1);
  const dense = denseStrides(extents);
  const along = inner.every(
    (extent, i) => extent === whole[i + 2] && (extent === 1 || aligned[i + 2] === dense[i + 2]),
  );
  if (!repeats && !along) return undefined;
  return { offset, image: stride(0), channel: stride(1), place: repeats ? 0 : 1 };
}

/** What the kernels of a node compute after it; undefined where it has no epilogue. */
export function epilogueOf({ epilogue, inputs, output }: Node): Epilogue | undefined {
  if (!epilogue) return undefined;
  const operands = operandsOf(epilogue)
    .filter((name) => name !== RESULT)
    .map((name): EpilogueOperand => {
      const desc = inputs[name]?.desc;
      const strides = desc && operandStrides(desc, output.desc.shape);
      if (!strides) throw new Error(`an epilogue reads "${name}", which does not fit its output`);
      return { name, type: desc.dtype, strides };
    });
  return { expression: epilogue, operands };
}

/** A node in f64, with its epilogue: the oracle that kernels are checked against. */
export function referenceOf(node: Node, data: DataByRole): Float64Array {
  const result = node.op.reference(node, data);
  if (!node.epilogue) return result;
  const roles = operandsOf(node.epilogue);
  const operands = roles.map((role) =>
    role === RESULT
      ? { data: result, shape: node.output.desc.shape }
      : { data: data[role] ?? new Float64Array(), shape: node.inputs[role]?.desc.shape ?? [] },
  );
  return mapBroadcast(operands, node.output.desc.shape, evaluator(node.epilogue, roles));
}

/** Applies a function to the elements of operands that are broadcast to a shape. */
export function mapBroadcast(
  operands: readonly { readonly data: Float64Array; readonly shape: Shape }[],
  shape: Shape,
  compute: (values: Float64Array) => number,
): Float64Array {
  const strides = operands.map((operand) =>
    broadcastStrides(alignedTo(operand.shape, shape.length)),
  );
  const values = new Float64Array(operands.length);
  const y = new Float64Array(elementCount(shape));
  for (let i = 0; i < y.length; i++) {
    operands.forEach(({ data }, k) => {
      let [rest, from] = [i, 0];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        const extent = shape[axis] ?? 1;
        from += (rest % extent) * (strides[k]?.[axis] ?? 0);
        rest = Math.floor(rest / extent);
      }
      const value = data[from];
      if (value === undefined) throw new RangeError(`index ${from} of ${data.length} elements`);
      values[k] = value;
    });
    y[i] = compute(values);
  }
  return y;
}
