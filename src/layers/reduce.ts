/** Mean or maximum along neighbouring axes. */
import {
  type ReduceGeometry,
  type ReduceKind,
  reduce as shader,
} from '../../shaders/reduce.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { inputShape, type OpDef, requireData, shapeError } from '../runtime/operator.ts';
import { elementCount, formatShape, tensorDesc } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';
import { pointwiseKernel } from './pointwise.ts';

export interface ReduceAttributes {
  readonly kind: ReduceKind;
  /** The axes from `from` to `to`, `to` not included. */
  readonly from: number;
  readonly to: number;
  /** Whether the axes stay, with an extent of 1. */
  readonly keepAxes: boolean;
}

/** Adds the mean or the maximum over the axes [from, to) of `x`. Throws ShapeError for axes that it lacks. */
export function reduce(g: GraphBuilder, x: Value, attributes: ReduceAttributes): Activation {
  return g.add(reduceOp, attributes, { x });
}

function geometryOf(node: Node<ReduceAttributes>): ReduceGeometry {
  const shape = inputShape(node, 'x');
  const { kind, from, to } = node.attributes;
  return {
    kind,
    outer: elementCount(shape.slice(0, from)),
    length: elementCount(shape.slice(from, to)),
    inner: elementCount(shape.slice(to)),
    types: elementTypesOf(node, 'x'),
  };
}

export const reduceOp: OpDef<ReduceAttributes> = {
  name: 'reduce',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { from, to, keepAxes } = call.attributes;
    const within = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to;
    if (!within || to > shape.length) {
      throw shapeError(call, `axes ${from} to ${to} are not axes of ${formatShape(shape)}`);
    }
    const kept = keepAxes ? shape.slice(from, to).map(() => 1) : [];
    return tensorDesc([...shape.slice(0, from), ...kept, ...shape.slice(to)]);
  },
  reference(node, inputs) {
    const { kind, outer, length, inner } = geometryOf(node);
    const x = requireData(node, inputs, 'x');
    return new Float64Array(outer * inner).map((_, at) => {
      const first = Math.floor(at / inner) * length * inner + (at % inner);
      let result = kind === 'mean' ? 0 : Number.NEGATIVE_INFINITY;
      for (let l = 0; l < length; l++) {
        const value = x[first + l * inner] ?? 0;
        result = kind === 'mean' ? result + value / length : Math.max(result, value);
      }
      return result;
    });
  },
  multiplyAdds: () => 0,
  mixesBatch: (node) => node.attributes.from === 0,
  writesAnyShape: true,
  kernels: [
    pointwiseKernel('reduce', (node: Node<ReduceAttributes>) => {
      const g = geometryOf(node);
      return { source: (grid) => shader(g, grid), tiles: g.outer * g.inner, reads: ['x'] };
    }),
  ],
};
