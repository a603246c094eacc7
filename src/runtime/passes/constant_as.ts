import type { Constant, DerivedWeight } from '../graph.ts';
import { formatShape, type Shape } from '../tensor.ts';

/** The elements of a constant under another shape. */
export function constantAs(constant: Constant, shape: Shape): DerivedWeight {
  return {
    kind: 'derived',
    name: `${constant.name} as ${formatShape(shape)}`,
    desc: { ...constant.desc, shape },
    sources: [constant],
    compute: ([data = new Float32Array()]) => data,
  };
}
