/** Rectified linear unit. */
import { ELEMENTWISE_THREADS, relu as shader } from '../../shaders/elementwise.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { inputShape, type OpDef, requireData } from '../runtime/operator.ts';
import { elementCount, tensorDesc } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';
import { pointwiseKernel } from './pointwise.ts';

/** Adds max(x, 0), of any shape. */
export function relu(g: GraphBuilder, x: Value): Activation {
  return g.add(reluOp, {}, { x });
}

export const reluOp: OpDef = {
  name: 'relu',
  inferShape: (call) => tensorDesc(inputShape(call, 'x')),
  reference: (node, inputs) => requireData(node, inputs, 'x').map((x) => Math.max(x, 0)),
  multiplyAdds: () => 0,
  writesAnyShape: true,
  kernels: [
    pointwiseKernel('relu', (node: Node) => {
      const count = elementCount(node.output.desc.shape);
      return {
        source: (grid, overwritten) =>
          shader(count, elementTypesOf(node, 'x'), grid, overwritten !== undefined),
        tiles: Math.ceil(count / ELEMENTWISE_THREADS),
        reads: ['x'],
        overwrites: ['x'],
      };
    }),
  ],
};
