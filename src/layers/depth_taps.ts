/**
 * Convolution along the depth of a volume as one over channels: im2col of slices. Each position of the kernel is an
 * image, and what its taps see there are channels of it, those of one channel of the volume side by side, so that they
 * stay within its group. A kernel's weights are in that order already.
 */
import { UnsupportedError } from '../runtime/errors.ts';
import type { Activation, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  type Movement,
  Pad,
  Reshape,
  Slice,
  Transpose,
  Unsqueeze,
} from '../runtime/movement/index.ts';
import { describe, type Named } from '../runtime/operator.ts';
import { concat } from './concat.ts';
import { rearrange } from './rearrange.ts';
import { volumeOf } from './volume.ts';

/** Each tap is a copy, and a node. */
const MOST_TAPS = 2 ** 8;

/** Where the taps of a kernel are: tap t at position p at slice `first + t * step + p * stride`, zero outside. */
export interface DepthTaps {
  readonly first: number;
  readonly step: number;
  readonly count: number;
  readonly stride: number;
  readonly positions: number;
}

/**
 * Adds a volume [N, C, D, H, W] as maps [N * positions, C * taps, H, W]. Throws UnsupportedError, in the caller's name,
 * for too many taps.
 */
export function depthTaps(g: GraphBuilder, call: Named, x: Value, taps: DepthTaps): Activation {
  const { channels, depth, height, width } = volumeOf(call, x);
  const { first, step, count, stride, positions } = taps;
  const maps = new Reshape({ extents: [-1, channels * count, height, width] });
  const inOrder = first === 0 && (step === 1 || count === 1);
  if (inOrder && (stride === count || positions === 1) && positions * count <= depth) {
    // Windows that lie side by side: the depth in pieces.
    return rearrange(g, x, [
      new Slice({ axis: 2, from: 0, to: positions * count }),
      new Reshape({ extents: [0, channels, positions, count, height, width] }),
      new Transpose({ order: [0, 2, 1, 3, 4, 5] }),
      maps,
    ]);
  }
  if (count > MOST_TAPS) {
    throw new UnsupportedError(
      `${describe(call)}: expects at most ${MOST_TAPS} taps along the depth, got ${count}; give a smaller kernel`,
    );
  }
  const slices = Array.from({ length: count }, (_, tap) =>
    rearrange(g.at(`tap ${tap}`), x, slicesFrom(first + tap * step, taps, depth)),
  );
  const [only = x] = slices;
  const side = count === 1 ? only : concat(g.at('taps'), slices, 3);
  return rearrange(g, side, [maps]);
}

/** What one tap sees: [N, C, D, H, W] to [N, positions, C, 1, H, W]. */
function slicesFrom(
  from: number,
  { stride, positions }: DepthTaps,
  depth: number,
): readonly Movement[] {
  const last = from + (positions - 1) * stride;
  const [before, after] = [Math.max(0, -from), Math.max(0, last + 1 - depth)];
  return [
    new Pad({ before: [0, 0, before, 0, 0], after: [0, 0, after, 0, 0], value: 0 }),
    new Slice({ axis: 2, from: from + before, to: last + before + 1, step: stride }),
    new Transpose({ order: [0, 2, 1, 3, 4] }),
    new Unsqueeze({ axes: [3] }),
  ];
}

/** The steps from maps [N * positions, C, H, W] to the volume [N, C, positions, H, W]. */
export function stacked(positions: number, [, ...map]: readonly number[]): readonly Movement[] {
  return [
    new Reshape({ extents: [-1, positions, ...map] }),
    new Transpose({ order: [0, 2, 1, 3, 4] }),
  ];
}
