/** Resizing along one axis: what images of two axes, `resize2d`, do not cover. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { ResizeAxis } from '../../shaders/lib/resize_axis.ts';
import {
  RESIZE_AXIS_THREADS,
  type ResizeAxisProblem,
  type ResizeFilter,
  resizeAxis as shader,
} from '../../shaders/resize_axis.wgsl.ts';
import type { DataByRole, Node, OpDef } from '../runtime/graph.ts';
import {
  at,
  candidatesOf,
  elementTypesOf,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, formatShape, tensorDesc } from '../runtime/tensor.ts';
import { checkChoices } from './choices.ts';
import {
  COORDINATES,
  type Coordinates,
  fits,
  type NearestRounding,
  nearestOf,
  type Place,
  placed,
  ROUNDINGS,
  scaledExtent,
  stepOf,
} from './coordinates.ts';
import { fractionOf } from './fraction.ts';
import { oneDispatch } from './one_dispatch.ts';

export interface ResizeAxisAttributes {
  readonly axis: number;
  readonly filter: ResizeFilter;
  readonly coordinates: Coordinates;
  readonly rounding: NearestRounding;
  /** The output's extent; where it is missing, the input's times `scale`, rounded down. */
  readonly size?: number;
  /** What coordinates count by; where it is missing, output / input extent. */
  readonly scale?: number;
  /** Whether the filter is as many times wider as the output is smaller. */
  readonly antialias: boolean;
  /** Whether taps outside of the input count for nothing, rather than as its edge. */
  readonly excludeOutside: boolean;
  /** The parameter of the cubic filter. */
  readonly cubic: number;
  /** The part of the input that the output shows, in place of `coordinates`. */
  readonly crop?: AxisCrop;
}

/** From pixel from * (extent - 1) to pixel to * (extent - 1), both included; `value` where the input has none. */
export interface AxisCrop {
  /** The first place, as a share of extent - 1. */
  readonly from: number;
  /** The last place, as a share of extent - 1. */
  readonly to: number;
  /** What places outside of the input get. */
  readonly value: number;
}

type ResizeAxisNode = Node<ResizeAxisAttributes, 'x'>;

/** Where the positions lie, before a nearest neighbour is looked for. */
function placeOf(attributes: ResizeAxisAttributes, input: number, output: number): Place {
  const { crop, coordinates, scale } = attributes;
  if (crop) return shortened(croppedTo(crop, input, output), input, output);
  const place = placed(coordinates, input, output, stepOf(input, output, scale));
  return shortened(place, input, output);
}

/** A crop of one pixel shows its middle. */
function croppedTo({ from, to }: AxisCrop, input: number, output: number): Place {
  const [first, last] = [signedFraction(from), signedFraction(to)];
  const [start, end] = [first.numerator * last.denominator, last.numerator * first.denominator];
  const unit = first.denominator * last.denominator;
  const pixels = input - 1;
  if (output === 1) return { step: 0, origin: (start + end) * pixels, unit: 2 * unit };
  return {
    step: (end - start) * pixels,
    origin: start * pixels * (output - 1),
    unit: unit * (output - 1),
  };
}

function signedFraction(value: number) {
  const { numerator, denominator } = fractionOf(Math.abs(value));
  return { numerator: value < 0 ? -numerator : numerator, denominator };
}

/**
 * Positions that 32 bits do not hold, of scales and crops that are no simple fractions, are rounded to the finest unit
 * that they do hold. A position is then off by less than input * output * 2^-27, as one computed in f32 would be.
 */
function shortened({ step, origin, unit }: Place, input: number, output: number): Place {
  // Four times what is needed: for the rounding of nearest neighbours, and their products.
  const fine = { step: 4 * step, origin: 4 * origin, unit: 4 * Math.max(unit, unit * input) };
  if (fits(fine, output)) return { step, origin, unit };
  const reach = Math.max(input, (Math.abs(step) * output + Math.abs(origin)) / unit);
  const finest = Math.max(1, Math.floor(2 ** 28 / reach));
  const by = finest / unit;
  return { step: Math.round(step * by), origin: Math.round(origin * by), unit: finest };
}

function outputExtent({ size, scale = 1 }: ResizeAxisAttributes, input: number): number {
  return size ?? scaledExtent(input, scale);
}

/** What is wrong with the numbers, if anything: fractions are looked for only of sound ones. */
function faultOf({ size, scale, cubic, crop }: ResizeAxisAttributes): string | undefined {
  if (size === undefined && scale === undefined) return 'expects a size or a scale';
  if (scale !== undefined && !(scale > 0 && Number.isFinite(scale))) {
    return `scale must be positive, got ${scale}`;
  }
  const numbers = [cubic, ...(crop ? [crop.from, crop.to, crop.value] : [])];
  if (numbers.every(Number.isFinite)) return undefined;
  return `expects finite numbers, got [${numbers.join(', ')}]`;
}

/** Whether such a node gives back what it gets. */
export function isIdle(attributes: ResizeAxisAttributes, input: number): boolean {
  if (faultOf(attributes)) return false;
  const output = outputExtent(attributes, input);
  const { step, origin, unit } = placeOf(attributes, input, output);
  return output === input && step === unit && origin === 0;
}

function problemOf(node: ResizeAxisNode, epilogue: Epilogue | undefined): ResizeAxisProblem {
  const { attributes } = node;
  const { axis, filter, crop } = attributes;
  const shape = inputShape(node, 'x');
  const [input = 1, output = 1] = [shape[axis], node.output.desc.shape[axis]];
  const place = placeOf(attributes, input, output);
  const found = (from: Place) =>
    filter === 'nearest' ? nearestOf(from, attributes.rounding) : from;
  const end = { step: 0, origin: (input - 1) * place.unit, unit: place.unit };
  const scale = attributes.scale ?? output / input;
  return {
    filter,
    axis: { input, output, ...found(place) } satisfies ResizeAxis,
    outer: elementCount(shape.slice(0, axis)),
    inner: elementCount(shape.slice(axis + 1)),
    shrink: attributes.antialias && filter !== 'nearest' ? Math.min(1, scale) : 1,
    cubic: attributes.cubic,
    excludeOutside: attributes.excludeOutside,
    crop: crop && {
      low: found({ ...end, origin: 0 }).origin,
      high: found(end).origin,
      value: crop.value,
    },
    shape: node.output.desc.shape,
    types: elementTypesOf(node, 'x'),
    epilogue,
  };
}

/** Which elements along the axis an output position is made of, and with which weights; undefined outside a crop. */
function weightsOf(g: ResizeAxisProblem, p: number): ReadonlyMap<number, number> | undefined {
  const { input, step, origin, unit } = g.axis;
  const position = p * step + origin;
  if (g.crop && (position < g.crop.low || position > g.crop.high)) return undefined;
  const edge = (i: number) => Math.min(Math.max(i, 0), input - 1);
  if (g.filter === 'nearest') return new Map([[edge(Math.floor(position / unit)), 1]]);
  const center = position / unit;
  const reach = (g.filter === 'cubic' ? 2 : 1) / g.shrink;
  const weights = new Map<number, number>();
  let total = 0;
  for (let i = Math.ceil(center - reach); i <= Math.floor(center + reach); i++) {
    if (g.excludeOutside && i !== edge(i)) continue;
    const weight = filterAt(g, Math.abs(i - center) * g.shrink);
    weights.set(edge(i), (weights.get(edge(i)) ?? 0) + weight);
    total += weight;
  }
  return new Map([...weights].map(([i, weight]) => [i, weight / total]));
}

function filterAt({ filter, cubic: a }: ResizeAxisProblem, d: number): number {
  if (filter === 'linear') return Math.max(0, 1 - d);
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
}

export function resizeAxisReference(node: ResizeAxisNode, inputs: DataByRole): Float64Array {
  const g = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const { input, output } = g.axis;
  const y = new Float64Array(g.outer * output * g.inner);
  for (let p = 0; p < output; p++) {
    const weights = weightsOf(g, p);
    for (let outer = 0; outer < g.outer; outer++) {
      for (let inner = 0; inner < g.inner; inner++) {
        let sum = weights ? 0 : (g.crop?.value ?? 0);
        for (const [i, weight] of weights ?? []) {
          sum += weight * at(x, (outer * input + i) * g.inner + inner);
        }
        y[(outer * output + p) * g.inner + inner] = sum;
      }
    }
  }
  return y;
}

export const resizeAxisOp: OpDef<ResizeAxisAttributes, 'x'> = {
  name: 'resize_axis',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { axis } = call.attributes;
    const extent = shape[axis];
    if (extent === undefined) {
      throw shapeError(call, `expects a tensor with an axis ${axis}, got ${formatShape(shape)}`);
    }
    checkChoices(call, {
      filter: ['nearest', 'linear', 'cubic'],
      coordinates: COORDINATES,
      rounding: ROUNDINGS,
    });
    const fault = faultOf(call.attributes);
    if (fault) throw shapeError(call, fault);
    const output = outputExtent(call.attributes, extent);
    if (!(Number.isSafeInteger(output) && output >= 1)) {
      throw shapeError(call, `axis ${axis} would be ${output} long; it must be at least 1`);
    }
    if (!fits(placeOf(call.attributes, extent, output), output)) {
      throw shapeError(call, 'positions overflow 32 bits; give a smaller size');
    }
    return tensorDesc(shape.with(axis, output));
  },
  mixesBatch: ({ attributes }) => attributes.axis === 0,
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<ResizeAxisProblem, 'x'>({
      name: 'resize_axis',
      source: shader,
      tiles: ({ outer, axis, inner }) =>
        Math.ceil((outer * axis.output * inner) / RESIZE_AXIS_THREADS),
      reads: () => ['x'],
    }),
  ]),
};
