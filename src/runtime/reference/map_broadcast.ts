import { alignedTo, broadcastStrides } from '../broadcast.ts';
import { elementCount, type Shape } from '../tensor.ts';

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
