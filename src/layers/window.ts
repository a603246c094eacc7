/** Sliding windows: what convolution and pooling have in common. */
import type { OpCall } from '../runtime/graph.ts';
import { shapeError } from '../runtime/operator.ts';

/** [height, width] */
export type Pair = readonly [number, number];

export interface Padding {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** How builders take a size for both axes at once, or one for each. */
export type PairLike = number | Pair;

/** How builders take padding: all sides alike, [height, width], or each side. */
export type PaddingLike = number | Pair | Padding;

export function pair(value: PairLike): Pair {
  return typeof value === 'number' ? [value, value] : value;
}

export function padding(value: PaddingLike): Padding {
  if (typeof value === 'object' && 'top' in value) return value;
  const [vertical, horizontal] = pair(value);
  return { top: vertical, left: horizontal, bottom: vertical, right: horizontal };
}

export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

/** Positions of the window along both axes, as [height, width]. Throws ShapeError where it does not fit. */
export function slide(call: OpCall, window: Window, input: Pair, ceilMode: boolean): Pair {
  checkIntegers(call, 'kernel', window.kernel, 1);
  checkIntegers(call, 'stride', window.stride, 1);
  checkIntegers(call, 'dilation', window.dilation, 1);
  const { top, left, bottom, right } = window.padding;
  checkIntegers(call, 'padding', [top, left, bottom, right], 0);
  const [height, width] = input;
  return [
    positions(call, window, 0, height, [top, bottom], ceilMode),
    positions(call, window, 1, width, [left, right], ceilMode),
  ];
}

function positions(
  call: OpCall,
  { kernel, stride, dilation }: Window,
  axis: 0 | 1,
  extent: number,
  [before, after]: Pair,
  ceilMode: boolean,
): number {
  const reach = dilation[axis] * (kernel[axis] - 1) + 1;
  const room = extent + before + after - reach;
  if (room < 0) {
    throw shapeError(
      call,
      `a kernel of ${kernel[axis]} with dilation ${dilation[axis]} reaches ${reach}, the input is ${extent} ${axis === 0 ? 'high' : 'wide'} and ${extent + before + after} with padding; give a larger input`,
    );
  }
  if (!ceilMode) return Math.floor(room / stride[axis]) + 1;
  const count = Math.ceil(room / stride[axis]) + 1;
  // A window may hang over the end, but it must begin on the image or on the padding before it.
  return (count - 1) * stride[axis] >= extent + before ? count - 1 : count;
}

/** Throws ShapeError where one is no integer, or less than `least`. */
export function checkIntegers(
  call: OpCall,
  what: string,
  values: readonly number[],
  least: number,
): void {
  if (values.some((value) => !Number.isSafeInteger(value) || value < least)) {
    throw shapeError(call, `${what} must be integers >= ${least}, got [${values.join(', ')}]`);
  }
}
