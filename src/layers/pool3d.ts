/** Max and average pooling of volumes: first of planes, then of what that gives along the depth. */
import type { Activation, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { averagePool2d, maxPool2d } from './pool2d.ts';
import {
  alongDepth,
  isIdle,
  overPlanes,
  type Padding3dLike,
  padding3d,
  seenAs,
  type TripleLike,
  triple,
  volumeOf,
} from './volume.ts';
import type { Window } from './window.ts';

export interface Pool3dOptions {
  readonly kernel: TripleLike;
  /** As large as the kernel by default. */
  readonly stride?: TripleLike;
  /** 0 by default. */
  readonly padding?: Padding3dLike;
  /** 1 by default. */
  readonly dilation?: TripleLike;
  /** Whether a window may hang over the end of the input; false by default. */
  readonly ceilMode?: boolean;
}

export interface AveragePool3dOptions extends Pool3dOptions {
  /** Whether padding counts as zeros in the mean; true by default. */
  readonly countIncludePad?: boolean;
}

/**
 * Adds a max pooling of volumes: [N, C, D, H, W] to [N, C, P, Q, R]. Throws ShapeError when the window does not fit.
 *
 * @example
 * const halved = maxPool3d(g.at('pool'), x, { kernel: 3, stride: 2, padding: 1 });
 */
export function maxPool3d(g: GraphBuilder, x: Value, options: Pool3dOptions): Activation {
  const { ceilMode = false } = options;
  return pooled('max_pool3d', g, x, options, (at, map, window) =>
    maxPool2d(at, map, { ...window, ceilMode }),
  );
}

/**
 * Adds an average pooling of volumes: [N, C, D, H, W] to [N, C, P, Q, R]. A mean of means is the mean, since all
 * windows of a slice count as many pixels as those of any other. Throws ShapeError when the window does not fit.
 */
export function averagePool3d(
  g: GraphBuilder,
  x: Value,
  options: AveragePool3dOptions,
): Activation {
  const { ceilMode = false, countIncludePad = true } = options;
  return pooled('average_pool3d', g, x, options, (at, map, window) =>
    averagePool2d(at, map, { ...window, ceilMode, countIncludePad }),
  );
}

function pooled(
  who: string,
  g: GraphBuilder,
  x: Value,
  options: Pool3dOptions,
  pool: (g: GraphBuilder, map: Value, window: Window) => Value,
): Activation {
  const { channels, depth, height, width } = volumeOf(g.named(who), x);
  const window = {
    kernel: triple(options.kernel),
    stride: triple(options.stride ?? options.kernel),
    dilation: triple(options.dilation ?? 1),
    padding: padding3d(options.padding ?? 0),
  };
  const [planes, slices] = [overPlanes(window), alongDepth(window)];
  const maps = seenAs(g.at('planes'), x, [0, channels * depth, height, width]);
  const means = isIdle(planes) ? maps : pool(g, maps, planes);
  const [, , rows = 1, columns = 1] = means.desc.shape;
  const columned = seenAs(g.at('slices'), means, [0, channels, depth, rows * columns]);
  const y = isIdle(slices) ? columned : pool(g.at('depth'), columned, slices);
  return seenAs(g.at('volume'), y, [0, 0, 0, rows, columns]);
}
