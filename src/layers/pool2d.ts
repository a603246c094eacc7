/** Max and average pooling. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import {
  POOL2D_THREADS,
  type Pool2dProblem,
  pool2d,
  pool2dRuns,
} from '../../shaders/pool2d.wgsl.ts';
import type { Activation, DataByRole, Node, OpCall, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { at, candidatesOf, inputShape, requireData, shapeError } from '../runtime/operator.ts';
import { nchw, type TensorDesc, tensorDesc } from '../runtime/tensor.ts';
import { featureMap } from './feature_map.ts';
import { mapProblemOf } from './map_problem.ts';
import { oneDispatch } from './one_dispatch.ts';
import { type PaddingLike, type PairLike, slide, type Window, windowOf } from './window.ts';

export interface Pool2dAttributes extends Window {
  readonly ceilMode: boolean;
  /** Average only: whether padding counts as zeros in the mean. */
  readonly countIncludePad: boolean;
}

/** The window of `maxPool2d`: as PyTorch's `MaxPool2d`, sizes as one number or [height, width]. */
export interface Pool2dOptions {
  /** Its size: [R, S], or one number for both. */
  readonly kernel: PairLike;
  /** As large as the kernel by default. */
  readonly stride?: PairLike;
  /** 0 by default. */
  readonly padding?: PaddingLike;
  /** 1 by default. */
  readonly dilation?: PairLike;
  /** Whether a window may hang over the end of the input; false by default. */
  readonly ceilMode?: boolean;
}

/** The window of `averagePool2d`: as PyTorch's `AvgPool2d`. */
export interface AveragePool2dOptions extends Pool2dOptions {
  /** Whether padding counts as zeros in the mean; true by default. */
  readonly countIncludePad?: boolean;
}

/**
 * Adds a max pooling: [N, C, H, W] to [N, C, P, Q]. Padding is never the maximum.
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, H, W].
 * @param options - The window: kernel, stride, padding, dilation, and whether it may hang over the end.
 * @returns [N, C, P, Q].
 * @throws ShapeError when the window does not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = maxPool2d(g.at('maxpool'), x, { kernel: 3, stride: 2, padding: 1 }); // [1, 64, 28, 28]
 */
export function maxPool2d(g: GraphBuilder, x: Value, options: Pool2dOptions): Activation {
  checkLayer(g, maxPool2dOp, { x }, options);
  return g.add(maxPool2dOp, pool2dAttributes(options, false), { x });
}

/**
 * Adds an average pooling: [N, C, H, W] to [N, C, P, Q].
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, H, W].
 * @param options - The window, and whether padding counts.
 * @returns [N, C, P, Q].
 * @throws ShapeError when the window does not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = averagePool2d(g.at('pool'), x, { kernel: 2 }); // [1, 64, 28, 28]
 */
export function averagePool2d(
  g: GraphBuilder,
  x: Value,
  options: AveragePool2dOptions,
): Activation {
  checkLayer(g, averagePool2dOp, { x }, options);
  return g.add(averagePool2dOp, pool2dAttributes(options, options.countIncludePad ?? true), { x });
}

export function pool2dAttributes(
  options: Pool2dOptions,
  countIncludePad: boolean,
): Pool2dAttributes {
  return {
    ...windowOf(options, options.kernel),
    ceilMode: options.ceilMode ?? false,
    countIncludePad,
  };
}

type Pool2d = Node<Pool2dAttributes, 'x'>;

/** The output of a pooling. Throws ShapeError when the window does not fit. */
export function pool2dShape(call: OpCall<Pool2dAttributes, 'x'>): TensorDesc {
  const x = featureMap(call, 'x');
  const window = call.attributes;
  const reach = window.kernel.map((taps, axis) => taps * (window.dilation[axis] ?? 1));
  if (reach.some((pixels) => pixels > LARGEST_WINDOW)) {
    throw shapeError(
      call,
      `a window reaches at most ${LARGEST_WINDOW} pixels, got ${reach.join(' x ')}`,
    );
  }
  const [height, width] = slide(call, window, [x.height, x.width], window.ceilMode);
  const sees = everyWindowSees(window, 0, window.padding.top, x.height, height);
  if (!sees || !everyWindowSees(window, 1, window.padding.left, x.width, width)) {
    throw shapeError(call, 'some window lies in the padding; give less padding');
  }
  return tensorDesc([x.batch, x.channels, height, width]);
}

/**
 * A window without a tap on the image has no maximum and no mean. Windows without gaps see it if the first and the
 * last do; with gaps, those that hang over an edge are looked at one by one.
 */
function everyWindowSees(
  { kernel, stride, dilation }: Window,
  axis: 0 | 1,
  before: number,
  extent: number,
  positions: number,
): boolean {
  const sees = (p: number): boolean => {
    const first = p * stride[axis] - before;
    const tap = Math.max(0, Math.ceil(-first / dilation[axis]));
    return tap < kernel[axis] && first + tap * dilation[axis] < extent;
  };
  if (!sees(0) || !sees(positions - 1)) return false;
  if (dilation[axis] === 1) return true;
  const reach = (kernel[axis] - 1) * dilation[axis];
  const inFront = Math.ceil(before / stride[axis]);
  const firstBehind = Math.max(0, Math.floor((extent + before - reach) / stride[axis]));
  for (let p = 1; p < Math.min(inFront, positions); p++) if (!sees(p)) return false;
  for (let p = Math.max(inFront, firstBehind); p < positions; p++) if (!sees(p)) return false;
  return true;
}

/** Taps of the largest window: more than any image has. */
const LARGEST_WINDOW = 2 ** 16;

/** A pooling as its kernels see it. */
export function pool2dProblemOf(
  mode: Pool2dProblem['mode'],
  node: Pool2d,
  epilogue: Epilogue | undefined,
): Pool2dProblem {
  const { kernel, stride, dilation, padding, countIncludePad } = node.attributes;
  const x = nchw(inputShape(node, 'x'));
  const y = nchw(node.output.desc.shape);
  return {
    mode,
    ...mapProblemOf(node, epilogue),
    inputHeight: x.height,
    inputWidth: x.width,
    outputHeight: y.height,
    outputWidth: y.width,
    kernel,
    stride,
    dilation,
    padding,
    countIncludePad,
  };
}

export function maxPool2dReference(node: Pool2d, inputs: DataByRole): Float64Array {
  return pooled(pool2dProblemOf('max', node, undefined), requireData(node, inputs, 'x'));
}

export function averagePool2dReference(node: Pool2d, inputs: DataByRole): Float64Array {
  return pooled(pool2dProblemOf('average', node, undefined), requireData(node, inputs, 'x'));
}

function pooled(g: Pool2dProblem, x: Float64Array): Float64Array {
  const y = new Float64Array(g.count);
  let next = 0;
  for (let plane = 0; next < g.count; plane++) {
    for (let p = 0; p < g.outputHeight; p++) {
      for (let q = 0; q < g.outputWidth; q++) y[next++] = poolWindow(g, x, plane, p, q);
    }
  }
  return y;
}

function poolWindow(
  g: Pool2dProblem,
  x: Float64Array,
  plane: number,
  p: number,
  q: number,
): number {
  let largest = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let divisor = 0;
  for (let r = 0; r < g.kernel[0]; r++) {
    const row = p * g.stride[0] - g.padding.top + r * g.dilation[0];
    for (let s = 0; s < g.kernel[1]; s++) {
      const column = q * g.stride[1] - g.padding.left + s * g.dilation[1];
      const inside = row >= 0 && row < g.inputHeight && column >= 0 && column < g.inputWidth;
      const counted =
        g.countIncludePad &&
        row < g.inputHeight + g.padding.bottom &&
        column < g.inputWidth + g.padding.right;
      if (inside || counted) divisor++;
      if (!inside) continue;
      const value = at(x, (plane * g.inputHeight + row) * g.inputWidth + column);
      largest = Math.max(largest, value);
      sum += value;
    }
  }
  return g.mode === 'max' ? largest : sum / divisor;
}

function poolOp(name: string, mode: Pool2dProblem['mode']): OpDef<Pool2dAttributes, 'x'> {
  return {
    name,
    inferShape: pool2dShape,
    views: { x: 'map', y: 'map' },
    fusesEpilogue: true,
    candidates: candidatesOf(
      (node: Pool2d, epilogue) => pool2dProblemOf(mode, node, epilogue),
      [
        oneDispatch<Pool2dProblem, 'x'>({
          name,
          source: pool2d,
          tiles: (g) => Math.ceil(pool2dRuns(g) / POOL2D_THREADS),
          reads: () => ['x'],
        }),
      ],
    ),
  };
}

export const maxPool2dOp: OpDef<Pool2dAttributes, 'x'> = poolOp('max_pool2d', 'max');
export const averagePool2dOp: OpDef<Pool2dAttributes, 'x'> = poolOp('average_pool2d', 'average');
