/** Softmax along one axis. */
import { type SoftmaxGeometry, softmax as shader } from '../../shaders/softmax.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { inputShape, type OpDef, requireData, shapeError } from '../runtime/operator.ts';
import { elementCount, formatShape, tensorDesc } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';
import { pointwiseKernel } from './pointwise.ts';

export interface SoftmaxAttributes {
  readonly axis: number;
}

/** Adds a softmax along `axis`, 1 by default: the classes. */
export function softmax(g: GraphBuilder, x: Value, axis = 1): Activation {
  return g.add(softmaxOp, { axis }, { x });
}

function geometryOf(node: Node<SoftmaxAttributes>): SoftmaxGeometry {
  const shape = inputShape(node, 'x');
  const { axis } = node.attributes;
  return {
    outer: elementCount(shape.slice(0, axis)),
    length: shape[axis] ?? 1,
    inner: elementCount(shape.slice(axis + 1)),
    types: elementTypesOf(node, 'x'),
  };
}

function reference(
  node: Node<SoftmaxAttributes>,
  inputs: Readonly<Record<string, Float64Array>>,
): Float64Array {
  const { outer, length, inner } = geometryOf(node);
  const x = requireData(node, inputs, 'x');
  const y = new Float64Array(x.length);
  for (let row = 0; row < outer * inner; row++) {
    const first = Math.floor(row / inner) * length * inner + (row % inner);
    const at = (i: number): number => x[first + i * inner] ?? 0;
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < length; i++) largest = Math.max(largest, at(i));
    let sum = 0;
    for (let i = 0; i < length; i++) sum += Math.exp(at(i) - largest);
    for (let i = 0; i < length; i++) y[first + i * inner] = Math.exp(at(i) - largest) / sum;
  }
  return y;
}

export const softmaxOp: OpDef<SoftmaxAttributes> = {
  name: 'softmax',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { axis } = call.attributes;
    if (shape[axis] === undefined) {
      throw shapeError(call, `axis ${axis} is not an axis of ${formatShape(shape)}`);
    }
    return tensorDesc(shape);
  },
  reference,
  multiplyAdds: () => 0,
  mixesBatch: (node) => node.attributes.axis === 0,
  kernels: [
    pointwiseKernel('softmax', (node: Node<SoftmaxAttributes>) => {
      const g = geometryOf(node);
      return { source: (grid) => shader(g, grid), tiles: g.outer * g.inner, reads: ['x'] };
    }),
  ],
};
