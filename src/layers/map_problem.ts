import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { MapProblem } from '../../shaders/lib/map_kernel.ts';
import type { Node } from '../runtime/graph.ts';
import { elementTypesOf, inputDesc } from '../runtime/operator.ts';
import { elementCount, mapStrides } from '../runtime/tensor.ts';

/** Of a node that makes one map [N, C, ...] of another, `x`. */
export function mapProblemOf<A extends object, R extends string>(
  node: Node<A, R | 'x'>,
  epilogue: Epilogue | undefined,
): MapProblem {
  const { shape } = node.output.desc;
  const [, channels = 1, ...inner] = shape;
  return {
    count: elementCount(shape),
    channels,
    plane: elementCount(inner),
    xStrides: mapStrides(inputDesc(node, 'x')),
    yStrides: mapStrides(node.output.desc),
    types: elementTypesOf(node, 'x'),
    epilogue,
  };
}
