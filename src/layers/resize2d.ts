/**
 * Resizing of feature maps, nearest or bilinear, under each of the conventions of where pixels lie.
 * (https://onnx.ai/onnx/operators/onnx__Resize.html)
 */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { MAP_THREADS } from '../../shaders/lib/map_kernel.ts';
import type { ResizeAxis } from '../../shaders/lib/resize_axis.ts';
import { type Resize2dProblem, resize2d as shader } from '../../shaders/resize2d.wgsl.ts';
import type { Activation, DataByRole, Node, OpCall, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { at, candidatesOf, inputShape, requireData, shapeError } from '../runtime/operator.ts';
import { nchw, type TensorDesc, tensorDesc } from '../runtime/tensor.ts';
import { checkChoices } from './choices.ts';
import {
  COORDINATES,
  type Coordinates,
  fits,
  type NearestRounding,
  nearestOf,
  placed,
  ROUNDINGS,
  scaledExtent,
  stepOf,
} from './coordinates.ts';
import { featureMap } from './feature_map.ts';
import { mapProblemOf } from './map_problem.ts';
import { oneDispatch } from './one_dispatch.ts';
import { type Pair, type PairLike, pair } from './window.ts';

export interface Resize2dAttributes {
  readonly mode: 'nearest' | 'bilinear';
  readonly coordinates: Coordinates;
  readonly rounding: NearestRounding;
  /** [height, width]; where it is missing, `scale` says it, or the input `like`. */
  readonly size?: Pair;
  readonly scale?: Pair;
}

/** The output's size of `resize2d`, given once, and how it samples. */
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

/**
 * Adds a resizing: [N, C, H, W] to [N, C, P, Q].
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, H, W].
 * @param options - The size, by one of three ways, and how it is sampled.
 * @returns [N, C, P, Q].
 * @throws ShapeError unless the output's size is given once.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const doubled = resize2d(g.at('up'), x, { scale: 2, mode: 'nearest' }); // [1, 64, 112, 112]
 */
export function resize2d(g: GraphBuilder, x: Value, options: Resize2dOptions): Activation {
  checkLayer(g, resize2dOp, { x }, options);
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

function inferShape(call: Resize2dCall): TensorDesc {
  const x = featureMap(call, 'x');
  checkChoices(call, {
    mode: ['nearest', 'bilinear'],
    coordinates: COORDINATES,
    rounding: ROUNDINGS,
  });
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
  if (![rows, columns].every((axis) => fits(axis, axis.output))) {
    throw shapeError(call, 'positions overflow 32 bits; give a simpler scale or a smaller image');
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
  return [scaledExtent(input[0], scale[0]), scaledExtent(input[1], scale[1])];
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
    const ratio = stepOf(input[i], output[i], attributes.scale?.[i]);
    const place = placed(attributes.coordinates, input[i], output[i], ratio);
    const found = attributes.mode === 'nearest' ? nearestOf(place, attributes.rounding) : place;
    return { input: input[i], output: output[i], ...found };
  };
  return { rows: axis(0), columns: axis(1) };
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
