import type { Constant } from '../runtime/graph.ts';
import { formatShape, type Shape, tensorDesc } from '../runtime/tensor.ts';

/** The same data under another shape, for layers that want it so; it is read from the source under its own. */
export function reshapedWeight(weight: Constant, shape: Shape): Constant {
  return {
    kind: 'derived',
    name: `${weight.name} as ${formatShape(shape)}`,
    desc: tensorDesc(shape),
    sources: [weight],
    compute: ([data = new Float32Array()]) => data,
  };
}
