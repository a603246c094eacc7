/** Pooling of regions of interest without rounding them to pixels. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import {
  ROI_ALIGN_THREADS,
  type RoiAlignProblem,
  roiAlign as shader,
} from '../../shaders/roi_align.wgsl.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import {
  at,
  candidatesOf,
  elementTypesOf,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { formatShape, nchw, tensorDesc } from '../runtime/tensor.ts';
import { checkChoices, checkFinite } from './choices.ts';
import { featureMap } from './feature_map.ts';
import { oneDispatch } from './one_dispatch.ts';
import { checkIntegers, type Pair, type PairLike, pair } from './window.ts';

/** How `roiAlign` samples regions. */
export interface RoiAlignAttributes {
  /** Bins of a region: [rows, columns]. */
  readonly size: Pair;
  /** Of `max`, each sample is the greatest product of a neighbour and its weight, as in ONNX. */
  readonly mode: 'avg' | 'max';
  /** Pixels of the map a unit of the regions. */
  readonly scale: number;
  /** Samples of a bin along each axis; 0 for one a pixel. */
  readonly samples: number;
  /** Whether a pixel's centre lies half a pixel after its edge, as it should; older networks left that out. */
  readonly halfPixel: boolean;
}

/** What `roiAlign` is told; by default bins are means, of a sample a pixel, with half-pixel centres and scale 1. */
export interface RoiAlignOptions extends Partial<Omit<RoiAlignAttributes, 'size'>> {
  /** Bins of a region: [rows, columns], or one number for both. */
  readonly size: PairLike;
}

/**
 * Adds a pooling of regions `rois` [R, 4] (left, top, right, bottom) of the maps `x`. `batchIndices` says of which
 * image each region is. (He et al., "Mask R-CNN", 2017.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, H, W].
 * @param rois - [R, 4]: left, top, right and bottom of each region, in units that `scale` turns into pixels of the map.
 * @param batchIndices - [R]: the image of each region, from 0.
 * @param options - Bins of a region, how they are sampled, and how their samples become one.
 * @returns [R, C, P, Q].
 * @throws ShapeError where the shapes do not go together.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const rois = g.input('rois', [100, 4]);
 * const batchIndices = g.input('batch_indices', [100]);
 * const y = roiAlign(g.at('roi'), x, rois, batchIndices, { size: 7, scale: 1 / 4, samples: 2 }); // [100, 64, 7, 7]
 */
export function roiAlign(
  g: GraphBuilder,
  x: Value,
  rois: Value,
  batchIndices: Value,
  options: RoiAlignOptions,
): Activation {
  checkLayer(g, roiAlignOp, { x, rois, batchIndices }, options);
  const { size, mode = 'avg', scale = 1, samples = 0, halfPixel = true } = options;
  const attributes = { size: pair(size), mode, scale, samples, halfPixel };
  return g.add(roiAlignOp, attributes, { x, rois, batch_indices: batchIndices });
}

/** Along each axis of a bin; networks have 2. */
const MOST_SAMPLES = 64;

type Role = 'x' | 'rois' | 'batch_indices';
type RoiAlign = Node<RoiAlignAttributes, Role>;

function problemOf(node: RoiAlign, epilogue: Epilogue | undefined): RoiAlignProblem {
  const { size, ...attributes } = node.attributes;
  const { shape } = node.output.desc;
  return {
    ...attributes,
    ...nchw(inputShape(node, 'x')),
    regions: shape[0] ?? 1,
    bins: size,
    shape,
    types: elementTypesOf(node, 'x', 'rois', 'batch_indices'),
    epilogue,
  };
}

/** How many samples a bin has along one axis, and where those lie that may be on the map. */
function samplesOf(
  g: RoiAlignProblem,
  [from, to]: readonly [number, number],
  bin: number,
  bins: number,
  extent: number,
): { readonly count: number; readonly places: readonly number[] } {
  const start = from * g.scale - (g.halfPixel ? 0.5 : 0);
  const whole = (to - from) * g.scale;
  const size = (g.halfPixel ? whole : Math.max(whole, 1)) / bins;
  const count = g.samples > 0 ? g.samples : Math.max(Math.ceil(size), 0);
  const step = size / Math.max(count, 1);
  const placeOf = (i: number): number => start + bin * size + (i + 0.5) * step;
  if (g.samples > 0) return { count, places: Array.from({ length: count }, (_, i) => placeOf(i)) };
  const within = (i: number): number => Math.min(Math.max(i, 0), count);
  const begin = within(Math.floor((-1 - placeOf(0)) / step));
  const end = within(Math.ceil((extent - placeOf(0)) / step) + 1);
  const length = Math.max(end - begin, 0);
  return { count, places: Array.from({ length }, (_, i) => placeOf(begin + i)) };
}

/** The neighbours of a sample and their weights. */
function neighboursOf(sample: number, extent: number): readonly (readonly [number, number])[] {
  if (sample < -1 || sample > extent) {
    return [
      [0, 0],
      [0, 0],
    ];
  }
  const position = Math.min(Math.max(sample, 0), extent - 1);
  const low = Math.floor(position);
  return [
    [low, 1 - (position - low)],
    [Math.min(low + 1, extent - 1), position - low],
  ];
}

export function roiAlignReference(node: RoiAlign, inputs: DataByRole): Float64Array {
  const g = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  const rois = requireData(node, inputs, 'rois');
  const indices = requireData(node, inputs, 'batch_indices');
  const [rows, columns] = g.bins;
  const y = new Float64Array(g.regions * g.channels * rows * columns);
  return y.map((_, i) => {
    const [q, p] = [i % columns, Math.floor(i / columns) % rows];
    const channel = Math.floor(i / columns / rows) % g.channels;
    const region = Math.floor(i / columns / rows / g.channels);
    const side = (nth: number) => at(rois, region * 4 + nth);
    const image = Math.min(Math.max(Math.trunc(at(indices, region)), 0), g.batch - 1);
    const plane = (image * g.channels + channel) * g.height * g.width;
    const across = samplesOf(g, [side(0), side(2)], q, columns, g.width);
    const down = samplesOf(g, [side(1), side(3)], p, rows, g.height);
    const samples = down.places.flatMap((row) =>
      across.places.map((column) =>
        neighboursOf(row, g.height).flatMap(([r, high]) =>
          neighboursOf(column, g.width).map(
            ([c, wide]) => high * wide * at(x, plane + r * g.width + c),
          ),
        ),
      ),
    );
    const count = down.count * across.count;
    if (g.mode === 'max') {
      // What is not listed lies outside, and is 0.
      const least = samples.length < count || count === 0 ? 0 : Number.NEGATIVE_INFINITY;
      return samples.flat().reduce((most, product) => Math.max(most, product), least);
    }
    const sum = samples.flat().reduce((total, product) => total + product, 0);
    return sum / Math.max(count, 1);
  });
}

export const roiAlignOp: OpDef<RoiAlignAttributes, Role> = {
  name: 'roi_align',
  inferShape(call) {
    const { channels } = featureMap(call, 'x');
    const [rois, indices] = [inputShape(call, 'rois'), inputShape(call, 'batch_indices')];
    const [regions = 1] = rois;
    if (rois.length !== 2 || rois[1] !== 4 || indices.length !== 1 || indices[0] !== regions) {
      const shapes = `${formatShape(rois)} and ${formatShape(indices)}`;
      throw shapeError(call, `expects regions [R, 4] and batch indices [R], got ${shapes}`);
    }
    checkChoices(call, { mode: ['avg', 'max'] });
    const { size, samples, scale } = call.attributes;
    if (!(Number.isSafeInteger(samples) && samples >= 0 && samples <= MOST_SAMPLES)) {
      throw shapeError(call, `samples must be 0 to ${MOST_SAMPLES}, got ${samples}`);
    }
    checkIntegers(call, 'size', size, 1);
    checkFinite(call, 'scale', scale);
    return tensorDesc([regions, channels, ...size]);
  },
  mixesBatch: () => true,
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<RoiAlignProblem, Role>({
      name: 'roi_align',
      source: shader,
      tiles: ({ regions, channels, bins }) =>
        Math.ceil((regions * channels * bins[0] * bins[1]) / ROI_ALIGN_THREADS),
      reads: () => ['x', 'rois', 'batch_indices'],
    }),
  ]),
};
