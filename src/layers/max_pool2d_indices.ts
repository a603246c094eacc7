/** Where max pooling finds its maxima. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { MAP_THREADS } from '../../shaders/lib/map_kernel.ts';
import {
  type MaxPool2dIndicesProblem,
  maxPool2dIndices as shader,
} from '../../shaders/max_pool2d_indices.wgsl.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { at, candidatesOf, inputShape, requireData } from '../runtime/operator.ts';
import { elementCount } from '../runtime/tensor.ts';
import { checkChoices } from './choices.ts';
import { checkIndices } from './element_indices.ts';
import { oneDispatch } from './one_dispatch.ts';
import {
  type Pool2dAttributes,
  type Pool2dOptions,
  pool2dAttributes,
  pool2dProblemOf,
  pool2dShape,
} from './pool2d.ts';

export interface MaxPool2dIndicesAttributes extends Pool2dAttributes {
  readonly order: MaxPool2dIndicesProblem['order'];
}

/** The window of `maxPool2dIndices`, and how it counts. */
export interface MaxPool2dIndicesOptions extends Pool2dOptions {
  /** Whether the elements of a plane are counted row by row, the default, or column by column. */
  readonly order?: MaxPool2dIndicesProblem['order'];
}

/**
 * Adds the index of what `maxPool2d` takes of each window: [N, C, H, W] to [N, C, P, Q]. An index counts the elements
 * of all of `x`, as ONNX has it; the first among equals, and of what is not a number, if there is any.
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, H, W], of at most 2^24 elements.
 * @param options - The window, as that of `maxPool2d`, and in which order a plane is counted.
 * @returns [N, C, P, Q], in f32 whatever the precision of the session.
 * @throws ShapeError when the window does not fit, and where `x` has more than 2^24 elements, whose indices would not
 *   be exact.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const window = { kernel: 2 };
 * const pooled = maxPool2d(g.at('pool'), x, window);
 * const indices = maxPool2dIndices(g.at('indices'), x, window);
 * const unpooled = maxUnpool(g.at('unpool'), pooled, indices, [56, 56]); // 0 but where the maxima were
 */
export function maxPool2dIndices(
  g: GraphBuilder,
  x: Value,
  options: MaxPool2dIndicesOptions,
): Activation {
  checkLayer(g, maxPool2dIndicesOp, { x }, options);
  const { order = 'rows' } = options;
  return g.add(maxPool2dIndicesOp, { ...pool2dAttributes(options, false), order }, { x });
}

type MaxPool2dIndices = Node<MaxPool2dIndicesAttributes, 'x'>;

function problemOf(
  node: MaxPool2dIndices,
  epilogue: Epilogue | undefined,
): MaxPool2dIndicesProblem {
  return { ...pool2dProblemOf('max', node, epilogue), order: node.attributes.order };
}

export function maxPool2dIndicesReference(
  node: MaxPool2dIndices,
  inputs: DataByRole,
): Float64Array {
  const g = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const outputs = g.outputHeight * g.outputWidth;
  const plane = g.inputHeight * g.inputWidth;
  return new Float64Array(g.count).map((_, i) => {
    const first = Math.floor(i / outputs) * plane;
    const [p, q] = [Math.floor((i % outputs) / g.outputWidth), i % g.outputWidth];
    const [row, column] = largestIn(g, x.subarray(first, first + plane), p, q);
    const within = g.order === 'rows' ? row * g.inputWidth + column : column * g.inputHeight + row;
    return first + within;
  });
}

/** Row and column of the first of the largest elements of a window. */
function largestIn(
  g: MaxPool2dIndicesProblem,
  plane: Float64Array,
  p: number,
  q: number,
): readonly [number, number] {
  let most = Number.NEGATIVE_INFINITY;
  let found: readonly [number, number] | undefined;
  for (let r = 0; r < g.kernel[0]; r++) {
    const row = p * g.stride[0] - g.padding.top + r * g.dilation[0];
    for (let s = 0; s < g.kernel[1]; s++) {
      const column = q * g.stride[1] - g.padding.left + s * g.dilation[1];
      if (row < 0 || row >= g.inputHeight || column < 0 || column >= g.inputWidth) continue;
      const value = at(plane, row * g.inputWidth + column);
      if (Number.isNaN(value)) return [row, column];
      if (found && value <= most) continue;
      most = value;
      found = [row, column];
    }
  }
  return found ?? [0, 0];
}

export const maxPool2dIndicesOp: OpDef<MaxPool2dIndicesAttributes, 'x'> = {
  name: 'max_pool2d_indices',
  inferShape(call) {
    checkChoices(call, { order: ['rows', 'columns'] });
    const desc = pool2dShape(call);
    checkIndices(call, elementCount(inputShape(call, 'x')));
    return desc;
  },
  // Indices go through all images.
  mixesBatch: () => true,
  exact: true,
  views: { x: 'map', y: 'map' },
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<MaxPool2dIndicesProblem, 'x'>({
      name: 'max_pool2d_indices',
      source: shader,
      tiles: ({ count }) => Math.ceil(count / MAP_THREADS),
      reads: () => ['x'],
    }),
  ]),
};
