/** Average pooling to a given output size; global average pooling is the size 1. */
import {
  type AdaptivePoolProblem,
  adaptiveAveragePool2d as shader,
} from '../../shaders/adaptive_average_pool2d.wgsl.ts';
import { globalAveragePool2d as globalShader } from '../../shaders/global_average_pool2d.wgsl.ts';
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { MAP_THREADS } from '../../shaders/lib/map_kernel.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { at, candidatesOf, inputShape, requireData } from '../runtime/operator.ts';
import { nchw, tensorDesc } from '../runtime/tensor.ts';
import { featureMap } from './feature_map.ts';
import { onePixelAsLinear } from './linear_kernels/one_pixel.ts';
import { mapProblemOf } from './map_problem.ts';
import { oneDispatch } from './one_dispatch.ts';
import { checkIntegers, type Pair, type PairLike, pair } from './window.ts';

export interface AdaptiveAttributes {
  /** [height, width] */
  readonly outputSize: Pair;
}

/**
 * Adds an average pooling of [N, C, H, W] to [N, C, ...outputSize]. Output row p is the mean of the input rows from
 * floor(p * H / P) to ceil((p + 1) * H / P), as in PyTorch; columns likewise.
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, H, W].
 * @param outputSize - [P, Q], or one number for both.
 * @returns [N, C, P, Q].
 * @throws ShapeError where `x` is no map, or a size is no positive integer.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = adaptiveAveragePool2d(g.at('avgpool'), x, 7); // [1, 64, 7, 7]
 */
export function adaptiveAveragePool2d(g: GraphBuilder, x: Value, outputSize: PairLike): Activation {
  checkLayer(g, adaptiveAveragePool2dOp, { x });
  return g.add(adaptiveAveragePool2dOp, { outputSize: pair(outputSize) }, { x });
}

/**
 * Adds the mean over each feature map: [N, C, H, W] to [N, C, 1, 1].
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, H, W].
 * @returns [N, C, 1, 1].
 * @throws ShapeError where `x` is no map.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = globalAveragePool2d(g.at('avgpool'), x); // [1, 64, 1, 1]
 */
export function globalAveragePool2d(g: GraphBuilder, x: Value): Activation {
  return adaptiveAveragePool2d(g, x, 1);
}

type Adaptive = Node<AdaptiveAttributes, 'x'>;

function problemOf(node: Adaptive, epilogue: Epilogue | undefined): AdaptivePoolProblem {
  const x = nchw(inputShape(node, 'x'));
  const [outputHeight, outputWidth] = node.attributes.outputSize;
  return {
    ...mapProblemOf(node, epilogue),
    inputHeight: x.height,
    inputWidth: x.width,
    outputHeight,
    outputWidth,
  };
}

/** The input rows or columns [from, to) that make output position `i`. */
export function region(i: number, input: number, output: number): Pair {
  return [Math.floor((i * input) / output), Math.ceil(((i + 1) * input) / output)];
}

export function adaptiveAveragePool2dReference(node: Adaptive, inputs: DataByRole): Float64Array {
  const g = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const y = new Float64Array(g.count);
  let next = 0;
  for (let plane = 0; next < g.count; plane++) {
    for (let p = 0; p < g.outputHeight; p++) {
      const [top, bottom] = region(p, g.inputHeight, g.outputHeight);
      for (let q = 0; q < g.outputWidth; q++) {
        const [left, right] = region(q, g.inputWidth, g.outputWidth);
        let sum = 0;
        for (let row = top; row < bottom; row++) {
          const start = (plane * g.inputHeight + row) * g.inputWidth;
          for (let column = left; column < right; column++) sum += at(x, start + column);
        }
        y[next++] = sum / ((bottom - top) * (right - left));
      }
    }
  }
  return y;
}

export const adaptiveAveragePool2dOp: OpDef<AdaptiveAttributes, 'x'> = {
  name: 'adaptive_average_pool2d',
  inferShape(call) {
    const x = featureMap(call, 'x');
    const { outputSize } = call.attributes;
    checkIntegers(call, 'output size', outputSize, 1);
    return tensorDesc([x.batch, x.channels, ...outputSize]);
  },
  views: { x: 'map', y: 'map' },
  fusesEpilogue: true,
  // Where there are maps of one pixel, they are means.
  passes: { 'one pixel as linear': onePixelAsLinear },
  candidates: candidatesOf(problemOf, [
    // A reduction for planes whose mean is taken as a whole.
    oneDispatch<AdaptivePoolProblem, 'x'>({
      name: 'global_average_pool2d',
      prefers: 'gpu',
      supports: ({ outputHeight, outputWidth }) => outputHeight === 1 && outputWidth === 1,
      source: globalShader,
      tiles: ({ count }) => count,
      reads: () => ['x'],
    }),
    oneDispatch<AdaptivePoolProblem, 'x'>({
      name: 'adaptive_average_pool2d',
      source: shader,
      tiles: ({ count }) => Math.ceil(count / MAP_THREADS),
      reads: () => ['x'],
    }),
  ]),
};
