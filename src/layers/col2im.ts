/** Columns laid back on the map that they were taken of. */
import {
  COL2IM_THREADS,
  type Col2imProblem,
  col2imCount,
  col2im as shader,
} from '../../shaders/col2im.wgsl.ts';
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { checkArgument, isObject } from '../runtime/arguments.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { Reshape, Transpose } from '../runtime/movement/index.ts';
import {
  at,
  candidatesOf,
  elementTypesOf,
  inputDesc,
  inputShape,
  type Named,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, formatShape, mapStrides, nchw, tensorDesc } from '../runtime/tensor.ts';
import { oneDispatch } from './one_dispatch.ts';
import { rearrange, reshapeTo } from './rearrange.ts';
import { checkExtent, checkIntegers, type Pair, slide, type Window } from './window.ts';

/** An axis of the map, and of the windows on it. */
export interface Col2imAxis {
  /** Extent of the map. */
  readonly size: number;
  /** Taps of a window. */
  readonly kernel: number;
  /** From one window to the next; 1 by default. */
  readonly stride?: number;
  /** Distance between the taps; 1 by default. */
  readonly dilation?: number;
  /** How far windows reach beyond the map, before and after it; 0 by default. */
  readonly padding?: Pair;
}

export interface Col2imAttributes extends Window {
  /** Height and width of the map. */
  readonly size: Pair;
}

/**
 * Adds the sum of windows laid on a map: `x` [N, C * taps, windows] to [N, C, ...sizes]. Windows are in the order of
 * their places, the last axis fastest, and their taps too. Where windows overlap they add up; what lies in the padding
 * is dropped. PyTorch calls it fold. Maps of more than two axes take two dispatches for each axis more but one.
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C * taps, windows]: a column for each window.
 * @param axes - Size, kernel, stride, dilation and padding of each axis of the map.
 * @returns [N, C, ...sizes].
 * @throws ShapeError when the sizes do not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const patches = g.input('patches', [1, 3 * 7 * 7, 16]);
 * const side = { size: 28, kernel: 7, stride: 7 };
 * const map = col2im(g.at('map'), patches, [side, side]); // [1, 3, 28, 28]
 */
export function col2im(g: GraphBuilder, x: Value, axes: readonly Col2imAxis[]): Activation {
  checkLayer(g, col2imOp, { x });
  const fits = Array.isArray(axes) && axes.length > 0 && axes.every(isObject);
  checkArgument(fits, 'col2im: axes', 'an axis at least', axes);
  const [first = IDLE, second, ...others] = axes;
  if (!second) {
    const plane = col2im(g.at('plane'), x, [IDLE, first]);
    return reshapeTo(g, plane, plane.desc.shape.toSpliced(2, 1));
  }
  if (others.length > 0) return axisByAxis(g, x, first, [second, ...others]);
  return g.add(col2imOp, attributesOf(first, second), { x });
}

/** Along it nothing moves. */
const IDLE: Col2imAxis = { size: 1, kernel: 1 };

function attributesOf(down: Col2imAxis, across: Col2imAxis): Col2imAttributes {
  const each = (part: (axis: Col2imAxis) => number): Pair => [part(down), part(across)];
  const [[top, bottom], [left, right]] = [down.padding ?? [0, 0], across.padding ?? [0, 0]];
  return {
    size: each(({ size }) => size),
    kernel: each(({ kernel }) => kernel),
    stride: each(({ stride = 1 }) => stride),
    dilation: each(({ dilation = 1 }) => dilation),
    padding: { top, left, bottom, right },
  };
}

/** The windows are first laid along all other axes, as if they were windows of planes, and then along the first. */
function axisByAxis(
  g: GraphBuilder,
  x: Value,
  first: Col2imAxis,
  others: readonly Col2imAxis[],
): Activation {
  const [images = 1, channels = 1, windows = 1] = x.desc.shape;
  const taps = elementCount(others.map(({ kernel }) => kernel));
  const call = g.named('col2im');
  const [down] = positions(call, attributesOf(first, IDLE));
  const rows = channels / taps;
  const across = windows / down;
  if (!Number.isSafeInteger(rows) || !Number.isSafeInteger(across)) {
    const expected = `[N, C * ${first.kernel * taps}, ${down} * windows]`;
    throw shapeError(call, `expects columns ${expected}, got ${formatShape(x.desc.shape)}`);
  }
  const planes = rearrange(g.at('planes'), x, [
    new Reshape({ extents: [images, rows, taps, down, across] }),
    new Transpose({ order: [0, 1, 3, 2, 4] }),
    new Reshape({ extents: [images, rows * down * taps, across] }),
  ]);
  const laid = col2im(g.at('others'), planes, others);
  const sizes = others.map(({ size }) => size);
  const plane = elementCount(sizes);
  const columns = reshapeTo(g.at('columns'), laid, [images, rows, down * plane]);
  const y = col2im(g.at('first'), columns, [first, { size: plane, kernel: 1 }]);
  return reshapeTo(g, y, [...y.desc.shape.slice(0, 2), first.size, ...sizes]);
}

type Col2im = Node<Col2imAttributes, 'x'>;

function positions(call: Named, attributes: Col2imAttributes): Pair {
  const { size, padding } = attributes;
  checkIntegers(call, 'size', size, 1);
  checkExtent(call, size[0] + padding.top + padding.bottom, 'high');
  checkExtent(call, size[1] + padding.left + padding.right, 'wide');
  return slide(call, attributes, size);
}

function problemOf(node: Col2im, epilogue: Epilogue | undefined): Col2imProblem {
  const { kernel, stride, dilation, padding } = node.attributes;
  const y = nchw(node.output.desc.shape);
  const [height, width] = positions(node, node.attributes);
  const types = elementTypesOf(node, 'x');
  return {
    batch: y.batch,
    outputChannels: y.channels,
    outputHeight: y.height,
    outputWidth: y.width,
    height,
    width,
    products: mapStrides(inputDesc(node, 'x')),
    kernel,
    stride,
    dilation,
    padding,
    bias: false,
    epilogue,
    yStrides: mapStrides(node.output.desc),
    types: { products: types.x, y: types.y },
  };
}

export function col2imReference(node: Col2im, inputs: DataByRole): Float64Array {
  const g = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const plane = g.outputHeight * g.outputWidth;
  const y = new Float64Array(g.batch * g.outputChannels * plane);
  let next = 0;
  for (let channel = 0; channel < g.batch * g.outputChannels; channel++) {
    for (let tap = 0; tap < g.kernel[0] * g.kernel[1]; tap++) {
      const [r, s] = [Math.floor(tap / g.kernel[1]), tap % g.kernel[1]];
      for (let p = 0; p < g.height; p++) {
        const row = p * g.stride[0] + r * g.dilation[0] - g.padding.top;
        for (let q = 0; q < g.width; q++, next++) {
          const column = q * g.stride[1] + s * g.dilation[1] - g.padding.left;
          if (row < 0 || row >= g.outputHeight || column < 0 || column >= g.outputWidth) continue;
          const to = channel * plane + row * g.outputWidth + column;
          y[to] = at(y, to) + at(x, next);
        }
      }
    }
  }
  return y;
}

export const col2imOp: OpDef<Col2imAttributes, 'x'> = {
  name: 'col2im',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { size, kernel } = call.attributes;
    const [height, width] = positions(call, call.attributes);
    const [images = 1, channels = 1, windows] = shape;
    const taps = kernel[0] * kernel[1];
    if (shape.length !== 3 || channels % taps !== 0 || windows !== height * width) {
      const expected = `[N, C * ${taps}, ${height * width}]`;
      throw shapeError(
        call,
        `expects columns ${expected} of a map of ${size[0]} x ${size[1]}, got ${formatShape(shape)}`,
      );
    }
    return tensorDesc([images, channels / taps, ...size]);
  },
  views: { x: 'map', y: 'map' },
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<Col2imProblem, 'x'>({
      name: 'col2im',
      source: shader,
      tiles: (g) => Math.ceil(col2imCount(g) / COL2IM_THREADS),
      // The second slot is the bias's.
      reads: () => ['x', null],
    }),
  ]),
};
