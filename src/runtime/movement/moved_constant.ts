import type { Constant, DerivedWeight } from '../graph.ts';
import { elementCount, offsetOf } from '../tensor.ts';
import { indexMapOf } from './lowering.ts';
import { describeMovement, type Movement, movedShape } from './movement.ts';

/** A constant after steps that add no elements, moved when it is read; undefined where no affine map is all of them. */
export function movedConstant(
  constant: Constant,
  steps: readonly Movement[],
): DerivedWeight | undefined {
  const map = indexMapOf(steps, constant.desc.shape);
  if (!map) return undefined;
  const shape = movedShape(steps, constant.desc.shape);
  const { extents, strides, offset } = map;
  const asItLies = extents.length === 1 && strides[0] === 1 && offset === 0;
  return {
    kind: 'derived',
    name: `${constant.name} after ${describeMovement(steps)}`,
    desc: { ...constant.desc, shape },
    sources: [constant],
    compute([data = new Float32Array()]) {
      if (asItLies) return data.subarray(0, elementCount(shape));
      const made = new Float32Array(elementCount(shape));
      return made.map((_, i) => data[offset + offsetOf(i, extents, strides)] ?? 0);
    },
  };
}
