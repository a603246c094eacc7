/** Weights whose elements are moved: when they are uploaded, where they are known by then, else at every run. */
import { type DerivedWeight, isConstant, type Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  describeMovement,
  indexMapOf,
  type Movement,
  movedShape,
} from '../runtime/movement/index.ts';
import { elementCount, offsetOf, tensorDesc } from '../runtime/tensor.ts';
import { rearrange } from './rearrange.ts';

/** A weight after steps that add no elements. */
export function movedWeight(g: GraphBuilder, weight: Value, steps: readonly Movement[]): Value {
  const { shape } = weight.desc;
  const map = indexMapOf(steps, shape);
  if (!isConstant(weight) || !map) return rearrange(g, weight, steps);
  const moved = movedShape(steps, shape);
  const { extents, strides, offset } = map;
  const asItLies = extents.length === 1 && strides[0] === 1 && offset === 0;
  const result: DerivedWeight = {
    kind: 'derived',
    name: `${weight.name} after ${describeMovement(steps)}`,
    desc: tensorDesc(moved),
    sources: [weight],
    compute([data = new Float32Array()]) {
      if (asItLies) return data.subarray(0, elementCount(moved));
      const made = new Float32Array(elementCount(moved));
      return made.map((_, i) => data[offset + offsetOf(i, extents, strides)] ?? 0);
    },
  };
  return result;
}
