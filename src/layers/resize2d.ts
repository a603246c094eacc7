/**
 * Resizing of feature maps, nearest or bilinear, under each of the conventions of where pixels lie.
 * (https://onnx.ai/onnx/operators/onnx__Resize.html)
 */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { MAP_THREADS } from '../../shaders/lib/map_kernel.ts';
import {
  type Resize2dProblem,
  type ResizeAxis,
  resize2d as shader,
} from '../../shaders/resize2d.wgsl.ts';
import type { Activation, DataByRole, Node, OpCall, OpDef, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { at, candidatesOf, inputShape, requireData, shapeError } from '../runtime/operator.ts';
import { nchw, type TensorDesc, tensorDesc } from '../runtime/tensor.ts';
import { featureMap } from './feature_map.ts';
import { type Fraction, fractionOf, ratioOf } from './fraction.ts';
import { mapProblemOf } from './map_problem.ts';
import { oneDispatch } from './one_dispatch.ts';
import { type Pair, type PairLike, pair } from './window.ts';

/**
 * Which input coordinate output position p has, with r = input / output extent, or 1 / scale:
 * `half_pixel` (p + 1/2) r - 1/2, so that the areas of both images coincide; `pytorch_half_pixel` the same, but 0
 * where the output is one pixel; `half_pixel_symmetric` the same, about the middle of the image where an
 * output extent was rounded; `align_corners` puts the corners' centres on one another; `asymmetric` p r;
 * `tf_half_pixel_for_nn` (p + 1/2) r.
 */
export type Coordinates =
  | 'half_pixel'
  | 'pytorch_half_pixel'
  | 'half_pixel_symmetric'
  | 'align_corners'
  | 'asymmetric'
  | 'tf_half_pixel_for_nn';

/** Which neighbour is the nearest: at a tie the lower or the upper, or always the one below or above. */
export type NearestRounding = 'prefer_floor' | 'prefer_ceil' | 'floor' | 'ceil';

export interface Resize2dAttributes {
  readonly mode: 'nearest' | 'bilinear';
  readonly coordinates: Coordinates;
  readonly rounding: NearestRounding;
  /** [height, width]; where it is missing, `scale` says it, or the input `like`. */
  readonly size?: Pair;
  readonly scale?: Pair;
}

export interface Resize2dOptions {
  /** The size of the output: [height, width], ... */
  readonly size?: PairLike;
  /** ... or how many times as large it is as the input's, rounded down, ... */
  readonly scale?: PairLike;
  /** ... or the value whose height and width it gets. */
  readonly like?: Value;
  /** `bilinear` by default. */
  readonly mode?: 'nearest' | 'bilinear';
  /** `half_pixel` by default. */
  readonly coordinates?: Coordinates;
  /** `prefer_floor` by default. */
  readonly rounding?: NearestRounding;
}

/** Adds a resizing: [N, C, H, W] to [N, C, P, Q]. Throws ShapeError unless the output's size is given once. */
export function resize2d(g: GraphBuilder, x: Value, options: Resize2dOptions): Activation {
  const { size, scale, like, mode = 'bilinear' } = options;
  const { coordinates = 'half_pixel', rounding = 'prefer_floor' } = options;
  const attributes: Resize2dAttributes = {
    mode,
    coordinates,
    rounding,
    ...(size !== undefined && { size: pair(size) }),
    ...(scale !== undefined && { scale: pair(scale) }),
  };
  return g.add(resize2dOp, attributes, { x, ...(like && { like }) });
}

type Role = 'x' | 'like';
type Resize2d = Node<Resize2dAttributes, Role>;
type Resize2dCall = OpCall<Resize2dAttributes, Role>;

/** Indices on the device are 32-bit integers. */
const MOST = 2 ** 31 - 1;

function inferShape(call: Resize2dCall): TensorDesc {
  const x = featureMap(call, 'x');
  const { size, scale } = call.attributes;
  const { like } = call.inputs;
  const given = [size, scale, like].filter((one) => one !== undefined).length;
  if (given !== 1) throw shapeError(call, `expects one of size, scale and like, got ${given}`);
  if (scale?.some((factor) => !(factor > 0 && factor < Number.POSITIVE_INFINITY))) {
    throw shapeError(call, `scale must be positive, got [${scale.join(', ')}]`);
  }
  const [height, width] = outputSize(call, [x.height, x.width]);
  if (![height, width].every((extent) => Number.isSafeInteger(extent) && extent >= 1)) {
    throw shapeError(call, `the output would be ${height} x ${width}; it must be at least 1 x 1`);
  }
  const output = tensorDesc([x.batch, x.channels, height, width]);
  const { rows, columns } = axesOf(call.attributes, [x.height, x.width], [height, width]);
  for (const { output: extent, step, origin, unit } of [rows, columns]) {
    if (extent * step + Math.abs(origin) > MOST || 2 * unit > MOST) {
      throw shapeError(call, 'positions overflow 32 bits; give a simpler scale or a smaller image');
    }
  }
  return output;
}

function outputSize(call: Resize2dCall, input: Pair): Pair {
  const { size, scale } = call.attributes;
  if (size) return size;
  if (!scale) {
    const { height, width } = featureMap(call, 'like');
    return [height, width];
  }
  const scaled = (axis: 0 | 1): number => {
    const { numerator, denominator } = fractionOf(scale[axis]);
    return Math.floor((input[axis] * numerator) / denominator);
  };
  return [scaled(0), scaled(1)];
}

function problemOf(node: Resize2d, epilogue: Epilogue | undefined): Resize2dProblem {
  const x = nchw(inputShape(node, 'x'));
  const y = nchw(node.output.desc.shape);
  return {
    mode: node.attributes.mode,
    ...mapProblemOf(node, epilogue),
    ...axesOf(node.attributes, [x.height, x.width], [y.height, y.width]),
  };
}

function axesOf(attributes: Resize2dAttributes, input: Pair, output: Pair) {
  const axis = (i: 0 | 1) => {
    const scale = attributes.scale && fractionOf(attributes.scale[i]);
    const ratio = scale
      ? { numerator: scale.denominator, denominator: scale.numerator }
      : ratioOf(input[i], output[i]);
    const place = placed(attributes.coordinates, input[i], output[i], ratio);
    const found = attributes.mode === 'nearest' ? nearestOf(place, attributes.rounding) : place;
    return { input: input[i], output: output[i], ...found };
  };
  return { rows: axis(0), columns: axis(1) };
}

type Place = Pick<ResizeAxis, 'step' | 'origin' | 'unit'>;

/** The formula of the coordinates, over a common denominator. */
function placed(coordinates: Coordinates, input: number, output: number, ratio: Fraction): Place {
  const { numerator: n, denominator: d } = ratio;
  switch (coordinates) {
    case 'align_corners':
      return { step: output === 1 ? 0 : input - 1, origin: 0, unit: Math.max(1, output - 1) };
    case 'asymmetric':
      return { step: n, origin: 0, unit: d };
    case 'tf_half_pixel_for_nn':
      return { step: 2 * n, origin: n, unit: 2 * d };
    case 'pytorch_half_pixel':
      if (output === 1) return { step: 0, origin: 0, unit: 1 };
      return { step: 2 * n, origin: n - d, unit: 2 * d };
    case 'half_pixel':
      return { step: 2 * n, origin: n - d, unit: 2 * d };
    case 'half_pixel_symmetric':
      return { step: 2 * n, origin: n - d + (input * d - output * n), unit: 2 * d };
  }
}

/** So that the whole part is the nearest neighbour: x rounded is x + 1/2 rounded down, and so on. */
function nearestOf({ step, origin, unit }: Place, rounding: NearestRounding): Place {
  switch (rounding) {
    case 'floor':
      return { step, origin, unit };
    case 'ceil':
      return { step, origin: origin + unit - 1, unit };
    case 'prefer_ceil':
      return { step: 2 * step, origin: 2 * origin + unit, unit: 2 * unit };
    case 'prefer_floor':
      return { step: 2 * step, origin: 2 * origin + unit - 1, unit: 2 * unit };
  }
}

/** The two taps of a position, and how far it is from the first to the second. */
function taps(axis: ResizeAxis, p: number): readonly [number, number, number] {
  const position = Math.max(0, p * axis.step + axis.origin);
  const first = Math.min(Math.floor(position / axis.unit), axis.input - 1);
  const fraction = (position % axis.unit) / axis.unit;
  return [first, Math.min(first + 1, axis.input - 1), fraction];
}

export function resize2dReference(node: Resize2d, inputs: DataByRole): Float64Array {
  const { mode, count, rows, columns } = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const y = new Float64Array(count);
  let next = 0;
  for (let plane = 0; next < count; plane++) {
    for (let p = 0; p < rows.output; p++) {
      const [top, bottom, down] = taps(rows, p);
      for (let q = 0; q < columns.output; q++) {
        const [left, right, across] = taps(columns, q);
        const value = (row: number, column: number) =>
          at(x, (plane * rows.input + row) * columns.input + column);
        y[next++] =
          mode === 'nearest'
            ? value(top, left)
            : (1 - down) * ((1 - across) * value(top, left) + across * value(top, right)) +
              down * ((1 - across) * value(bottom, left) + across * value(bottom, right));
      }
    }
  }
  return y;
}

export const resize2dOp: OpDef<Resize2dAttributes, Role> = {
  name: 'resize2d',
  inferShape,
  // Of `like` only the shape counts.
  views: { x: 'map', like: 'any', y: 'map' },
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<Resize2dProblem, Role>({
      name: 'resize2d',
      source: shader,
      tiles: ({ count }) => Math.ceil(count / MAP_THREADS),
      reads: () => ['x'],
    }),
  ]),
};
