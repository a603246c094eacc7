/** Where the pixels of a resized image lie in the image that it is made of. */
import type { ResizeAxis } from '../../shaders/lib/resize_axis.ts';
import { type Fraction, fractionOf, ratioOf } from './fraction.ts';

/**
 * Which input coordinate output position p has, with r = input / output extent, or 1 / scale:
 * `half_pixel` (p + 1/2) r - 1/2, so that the areas of both images coincide; `pytorch_half_pixel` the same, but 0
 * where the output is one pixel; `half_pixel_symmetric` the same, about the middle of the image where an
 * output extent was rounded; `align_corners` puts the corners' centres on one another; `asymmetric` p r;
 * `tf_half_pixel_for_nn` (p + 1/2) r.
 */
export type Coordinates = (typeof COORDINATES)[number];

export const COORDINATES = [
  'half_pixel',
  'pytorch_half_pixel',
  'half_pixel_symmetric',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
] as const;

/** Which neighbour is the nearest: at a tie the lower or the upper, or always the one below or above. */
export type NearestRounding = (typeof ROUNDINGS)[number];

export const ROUNDINGS = ['prefer_floor', 'prefer_ceil', 'floor', 'ceil'] as const;

/** Position p of an axis lies at (p * step + origin) / unit. */
export type Place = Pick<ResizeAxis, 'step' | 'origin' | 'unit'>;

/** Indices on the device are 32-bit integers. */
const MOST = 2 ** 31 - 1;

/** How much input one step of output is. */
export function stepOf(input: number, output: number, scale: number | undefined): Fraction {
  if (scale === undefined) return ratioOf(input, output);
  const { numerator, denominator } = fractionOf(scale);
  return { numerator: denominator, denominator: numerator };
}

/** The extent that a scale makes of another, rounded down. */
export function scaledExtent(input: number, scale: number): number {
  const { numerator, denominator } = fractionOf(scale);
  return Math.floor((input * numerator) / denominator);
}

/** The formula of the coordinates, over a common denominator. */
export function placed(
  coordinates: Coordinates,
  input: number,
  output: number,
  { numerator: n, denominator: d }: Fraction,
): Place {
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
export function nearestOf({ step, origin, unit }: Place, rounding: NearestRounding): Place {
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

/** Whether all positions can be computed in 32-bit integers. */
export function fits({ step, origin, unit }: Place, output: number): boolean {
  const last = output * Math.abs(step) + Math.abs(origin);
  return Math.max(last, output, 2 * unit) <= MOST;
}
