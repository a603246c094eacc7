/** Functions of two constants, whose extents of 1 are repeated. */
import { broadcastShape } from '../../runtime/broadcast.ts';
import { denseStrides, formatShape, offsetOf, type Shape } from '../../runtime/tensor.ts';
import { tabulated } from '../computed.ts';
import type { ElementType } from '../element_type.ts';
import { demand } from '../errors.ts';
import type { ImportCall } from '../import_node.ts';
import type { Constant } from '../tensor.ts';

/** Throws UnsupportedError where the shapes do not go together. */
export function broadcast(
  call: ImportCall,
  type: ElementType,
  f: (a: number, b: number) => number,
): Constant {
  const [a, b] = [call.known(0), call.known(1)];
  const shape = commonShape(a.shape, b.shape);
  const strides = [a, b].map((one) => stridesWithin(one.shape, shape));
  return tabulated(
    shape,
    type,
    [a, b],
    (left, right) => (i) =>
      f(
        left[offsetOf(i, shape, strides[0] ?? [])] ?? Number.NaN,
        right[offsetOf(i, shape, strides[1] ?? [])] ?? Number.NaN,
      ),
  );
}

export function commonShape(a: Shape, b: Shape): Shape {
  const shape = broadcastShape(a, b);
  demand(shape, `${formatShape(a)} and ${formatShape(b)} do not go together`);
  return shape;
}

/** Where the elements of a tensor lie that is repeated to a shape. */
export function stridesWithin(from: Shape, shape: Shape): readonly number[] {
  const dense = denseStrides(from);
  const added = shape.length - from.length;
  return shape.map((_, axis) => (from[axis - added] === 1 ? 0 : (dense[axis - added] ?? 0)));
}
