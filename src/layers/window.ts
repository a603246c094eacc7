/** Sliding windows: what convolution and pooling have in common. */
import { isObject } from '../runtime/arguments.ts';
import { type Named, shapeError } from '../runtime/operator.ts';
import { areIntegers, formatShape } from '../runtime/tensor.ts';

/** [height, width] */
export type Pair = readonly [number, number];

/** Padding of a map, in pixels. */
export interface Padding {
  /** Rows above the first. */
  readonly top: number;
  /** Columns before the first. */
  readonly left: number;
  /** Rows below the last. */
  readonly bottom: number;
  /** Columns after the last. */
  readonly right: number;
}

/** How builders take a size for both axes at once, or one for each. */
export type PairLike = number | Pair;

/** How builders take padding: all sides alike, [height, width], or each side. */
export type PaddingLike = number | Pair | Padding;

export function pair(value: PairLike): Pair {
  // What is no pair, whatever it is, is refused where it is checked.
  return Array.isArray(value) ? (value as Pair) : [value as number, value as number];
}

export function padding(value: PaddingLike): Padding {
  if (isObject(value) && 'top' in (value as Padding)) return value as Padding;
  const [vertical, horizontal] = pair(value as PairLike);
  return { top: vertical, left: horizontal, bottom: vertical, right: horizontal };
}

export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

/** A window as builders are given it. */
interface WindowLike {
  readonly kernel: PairLike;
  readonly stride?: PairLike | undefined;
  readonly dilation?: PairLike | undefined;
  readonly padding?: PaddingLike | undefined;
}

/** A window of options, with the usual stride where they say none. */
export function windowOf(options: WindowLike, usual: PairLike = 1): Window {
  return {
    kernel: pair(options.kernel),
    stride: pair(options.stride ?? usual),
    dilation: pair(options.dilation ?? 1),
    padding: padding(options.padding ?? 0),
  };
}

/** How messages say which way an extent goes. */
export type Ways = readonly [first: string, second: string];

const WAYS: Ways = ['high', 'wide'];

/** What kernels count with: positions on a map with its padding. */
const LARGEST_EXTENT = 2 ** 30;

/** Positions of the window along both axes, as [height, width]. Throws ShapeError where it does not fit. */
export function slide(
  call: Named,
  window: Window,
  input: Pair,
  ceilMode = false,
  ways: typeof WAYS = WAYS,
): Pair {
  return alongBoth(call, window, (axis, { kernel, stride, dilation, reach, before, after }) => {
    const extent = input[axis];
    const room = extent + before + after - reach;
    const count = (ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    // A window may hang over the end, but it must begin on the image or on the padding before it.
    const hangs = ceilMode && (count - 1) * stride >= extent + before;
    const positions = hangs ? count - 1 : count;
    if (positions < 1) {
      throw shapeError(
        call,
        `a kernel of ${kernel} with dilation ${dilation} reaches ${reach}, the input is ${extent} ${ways[axis]} and ${extent + before + after} with padding; give a larger input`,
      );
    }
    return positions;
  });
}

/**
 * Extents of the map that windows are laid on, one for each element of the input, as [height, width]. Throws ShapeError
 * where nothing is left of it.
 */
export function lay(
  call: Named,
  window: Window & { readonly outputPadding: Pair },
  input: Pair,
  ways: typeof WAYS = WAYS,
): Pair {
  const { outputPadding } = window;
  checkIntegers(call, 'output padding', outputPadding, 0);
  return alongBoth(call, window, (axis, { stride, reach, before, after }) => {
    const whole = (input[axis] - 1) * stride + reach + outputPadding[axis];
    checkExtent(call, whole, ways[axis]);
    if (whole <= before + after) {
      throw shapeError(
        call,
        `the padding ${before} and ${after} leaves nothing of an output ${whole} ${ways[axis]}; give less padding`,
      );
    }
    return whole - before - after;
  });
}

/** Throws ShapeError where kernels cannot count so far. */
export function checkExtent(call: Named, extent: number, way: string): void {
  if (extent <= LARGEST_EXTENT) return;
  throw shapeError(
    call,
    `a map would be ${extent} ${way} with its padding; at most ${LARGEST_EXTENT} is`,
  );
}

/** A window along one axis. */
interface AxisWindow {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** From the first tap to the last, both included. */
  readonly reach: number;
  /** Padding. */
  readonly before: number;
  readonly after: number;
}

/** What a window gives along each axis. Throws ShapeError where it is no window. */
function alongBoth(
  call: Named,
  { kernel, stride, dilation, padding: { top, left, bottom, right } }: Window,
  along: (axis: 0 | 1, window: AxisWindow) => number,
): Pair {
  checkIntegers(call, 'kernel', kernel, 1);
  checkIntegers(call, 'stride', stride, 1);
  checkIntegers(call, 'dilation', dilation, 1);
  checkIntegers(call, 'padding', [top, left, bottom, right], 0);
  const of = (axis: 0 | 1, before: number, after: number): number =>
    along(axis, {
      kernel: kernel[axis],
      stride: stride[axis],
      dilation: dilation[axis],
      reach: dilation[axis] * (kernel[axis] - 1) + 1,
      before,
      after,
    });
  return [of(0, top, bottom), of(1, left, right)];
}

/** Throws ShapeError where one is no integer, or less than `least`. */
export function checkIntegers(
  call: Named,
  what: string,
  values: readonly number[],
  least: number,
): void {
  if (!areIntegers(values, least)) {
    throw shapeError(call, `${what} must be integers >= ${least}, got ${formatShape(values)}`);
  }
}
