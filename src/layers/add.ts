/** Addition of two tensors of one shape: the residual connection. */
import { ELEMENTWISE_THREADS, add as shader } from '../../shaders/elementwise.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  type Epilogue,
  inputShape,
  type OpDef,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, formatShape, shapesEqual, tensorDesc } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';
import { pointwiseKernel } from './pointwise.ts';

/** Adds a + b. Throws ShapeError when the shapes differ. */
export function add(g: GraphBuilder, a: Value, b: Value): Activation {
  return g.add(addOp, {}, { a, b });
}

export const addOp: OpDef<Epilogue> = {
  name: 'add',
  inferShape(call) {
    const a = inputShape(call, 'a');
    const b = inputShape(call, 'b');
    if (!shapesEqual(a, b)) {
      throw shapeError(
        call,
        `expects two equal shapes, got ${formatShape(a)} and ${formatShape(b)}`,
      );
    }
    return tensorDesc(a);
  },
  reference(node, inputs) {
    const b = requireData(node, inputs, 'b');
    const floor = node.attributes.activation === 'relu' ? 0 : Number.NEGATIVE_INFINITY;
    return requireData(node, inputs, 'a').map((a, i) => Math.max(a + (b[i] ?? 0), floor));
  },
  multiplyAdds: () => 0,
  writesAnyShape: true,
  fuses: ['relu'],
  kernels: [
    pointwiseKernel('add', (node: Node<Epilogue>) => {
      const count = elementCount(node.output.desc.shape);
      const types = elementTypesOf(node, 'a', 'b');
      return {
        source: (grid, overwritten) =>
          shader(count, node.attributes.activation ?? 'none', types, grid, overwritten),
        tiles: Math.ceil(count / ELEMENTWISE_THREADS),
        // One value added to itself is bound twice, which is fine for reading.
        reads: ['a', 'b'],
        overwrites: ['a', 'b'],
      };
    }),
  ],
};
