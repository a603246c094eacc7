/** Max and average pooling of volumes: first of planes, then of what that gives along the depth. */
import type { Activation, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { averagePool2d, maxPool2d } from './pool2d.ts';
import {
  alongDepth,
  isIdle,
  overPlanes,
  type Padding3dLike,
  seenAs,
  type TripleLike,
  volumeOf,
  windowOf3d,
} from './volume.ts';
import type { Window } from './window.ts';

/** The window of `maxPool3d`; sizes as one number or [depth, height, width]. */
export interface Pool3dOptions {
  /** Its size: [S, T, U], or one number for all. */
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

/** The window of `averagePool3d`. */
export interface AveragePool3dOptions extends Pool3dOptions {
  /** Whether padding counts as zeros in the mean; true by default. */
  readonly countIncludePad?: boolean;
}

/**
 * Adds a max pooling of volumes: [N, C, D, H, W] to [N, C, P, Q, R].
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, D, H, W].
 * @param options - The window: kernel, stride, padding, dilation, and whether it may hang over the end.
 * @returns [N, C, P, Q, R].
 * @throws ShapeError when the window does not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const volume = g.input('volume', [1, 16, 8, 28, 28]);
 * const halved = maxPool3d(g.at('pool'), volume, { kernel: 3, stride: 2, padding: 1 });
 */
export function maxPool3d(g: GraphBuilder, x: Value, options: Pool3dOptions): Activation {
  return pooled('max_pool3d', g, x, options, (at, map, window) =>
    maxPool2d(at, map, { ...window, ceilMode: options.ceilMode ?? false }),
  );
}

/**
 * Adds an average pooling of volumes: [N, C, D, H, W] to [N, C, P, Q, R]. A mean of means is the mean, since all
 * windows of a slice count as many pixels as those of any other.
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, D, H, W].
 * @param options - The window, and whether padding counts.
 * @returns [N, C, P, Q, R].
 * @throws ShapeError when the window does not fit.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const volume = g.input('volume', [1, 16, 8, 28, 28]);
 * const halved = averagePool3d(g.at('pool'), volume, { kernel: 2 }); // [1, 16, 4, 14, 14]
 */
export function averagePool3d(
  g: GraphBuilder,
  x: Value,
  options: AveragePool3dOptions,
): Activation {
  return pooled('average_pool3d', g, x, options, (at, map, window) => {
    const { ceilMode = false, countIncludePad = true } = options;
    return averagePool2d(at, map, { ...window, ceilMode, countIncludePad });
  });
}

function pooled(
  who: string,
  g: GraphBuilder,
  x: Value,
  options: Pool3dOptions,
  pool: (g: GraphBuilder, map: Value, window: Window) => Value,
): Activation {
  const call = checkLayer(g, { name: who }, { x }, options);
  const { channels, depth, height, width } = volumeOf(call, x);
  const window = windowOf3d(options, options.kernel);
  const [planes, slices] = [overPlanes(window), alongDepth(window)];
  const maps = seenAs(g.at('planes'), x, [0, channels * depth, height, width]);
  const means = isIdle(planes) ? maps : pool(g, maps, planes);
  const [, , rows = 1, columns = 1] = means.desc.shape;
  const columned = seenAs(g.at('slices'), means, [0, channels, depth, rows * columns]);
  const y = isIdle(slices) ? columned : pool(g.at('depth'), columned, slices);
  return seenAs(g.at('volume'), y, [0, 0, 0, rows, columns]);
}
