import { alignedTo, broadcastStrides } from '../broadcast.ts';
import { at } from '../operator.ts';
import { elementCount, offsetOf, type Shape } from '../tensor.ts';

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
      values[k] = at(data, offsetOf(i, shape, strides[k] ?? []));
    });
    y[i] = compute(values);
  }
  return y;
}
