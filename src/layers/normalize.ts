/** Normalisation by statistics of the input itself: layer, group, instance and root-mean-square normalisation. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { apply } from '../../shaders/lib/expression.ts';
import { add, mul } from '../../shaders/lib/expression_functions.ts';
import { type NormalizeProblem, normalize as shader } from '../../shaders/normalize.wgsl.ts';
import { momentsOfParts, normalizeParts } from '../../shaders/normalize_parts.wgsl.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { type Kernel, kernel } from '../runtime/kernel.ts';
import { at, candidatesOf, inputShape, requireData, shapeError } from '../runtime/operator.ts';
import { movementPasses } from '../runtime/passes/movement_passes.ts';
import { type Shape, tensorDesc } from '../runtime/tensor.ts';
import { inOrder } from './bindings.ts';
import { perChannel } from './per_channel.ts';
import { pointwise } from './pointwise.ts';
import {
  checkAxes,
  firstOfRow,
  partsConfigs,
  rowDispatch,
  rowKernel,
  rowProblemOf,
  rowsConfig,
} from './rows.ts';

/** What `normalize` takes statistics of. */
export interface NormalizeAttributes {
  /** The statistics are those of all elements along the axes from `from` to `to`, `to` not included. */
  readonly from: number;
  /** The first axis after them; the number of axes by default. */
  readonly to: number;
  /** Into so many parts is axis `from` cut, each with statistics of its own. */
  readonly groups: number;
  /** Whether the mean is taken away; else only the root mean square is 1 afterwards. */
  readonly centred: boolean;
  /** Added to the variance, or to the mean square; 1e-5 by default. */
  readonly epsilon: number;
}

/**
 * Adds (x - mean) / sqrt(variance + epsilon), with the statistics of all elements along `axes`, neighbours, and of a
 * part of the first of them where there are groups.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param attributes - The axes, groups of the first of them, whether the mean is taken away, and epsilon.
 * @returns Of the shape of `x`.
 * @throws ShapeError for axes that `x` lacks.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = normalize(g.at('norm'), x, { from: 2, to: 4 }); // each plane by itself
 */
export function normalize(
  g: GraphBuilder,
  x: Value,
  attributes: Partial<NormalizeAttributes> & Pick<NormalizeAttributes, 'from'>,
): Activation {
  checkLayer(g, normalizeOp, { x }, attributes);
  const defaults = { to: x.desc.shape.length, groups: 1, centred: true, epsilon: 1e-5 };
  return g.add(normalizeOp, { ...defaults, ...attributes }, { x });
}

/** The axes of `layerNorm` and `rmsNorm`. */
export interface LayerNormOptions {
  /** The axes from `from` to `to`, `to` not included; the last one by default. */
  readonly from?: number;
  /** The first axis after them; the number of axes by default. */
  readonly to?: number;
  /** 1e-5 by default. */
  readonly epsilon?: number;
}

/**
 * Adds a layer normalisation of `x` along neighbouring axes, with its weights `weight` and `bias`, of their extents, at
 * the builder's path. (Ba, Kiros and Hinton, "Layer normalization", 2016.)
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - Of any shape.
 * @param options - The axes, the last one by default, and epsilon.
 * @returns Of the shape of `x`.
 * @throws ShapeError for axes that `x` lacks.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = layerNorm(g.at('norm'), x, { from: 1, to: 2, epsilon: 1e-6 }); // the channels of feature maps
 */
export function layerNorm(g: GraphBuilder, x: Value, options: LayerNormOptions = {}): Activation {
  checkLayer(g, normalizeOp, { x }, options);
  const { shape } = x.desc;
  const { from = shape.length - 1, to = shape.length, epsilon = 1e-5 } = options;
  const y = normalize(g.at('normalized'), x, { from, to, epsilon });
  return scaled(g, y, shape.slice(from, to), to - 1, true);
}

/**
 * Adds a normalisation of each image's channels in groups, with its weights `weight` and `bias`, [C], at the builder's
 * path. (Wu and He, "Group normalization", 2018.)
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - [N, C, ...].
 * @param groups - Into how many the channels are cut; a divisor of C.
 * @param epsilon - Added to the variance; 1e-5 by default.
 * @throws ShapeError where the groups do not divide the channels.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = groupNorm(g.at('norm'), x, 32);
 */
export function groupNorm(g: GraphBuilder, x: Value, groups: number, epsilon = 1e-5): Activation {
  checkLayer(g, normalizeOp, { x });
  const y = normalize(g.at('normalized'), x, { from: 1, groups, epsilon });
  return scaled(g, y, x.desc.shape.slice(1, 2), 1, true);
}

/**
 * Adds a normalisation of each channel of each image by itself, without weights: [N, C, ...]. (Ulyanov, Vedaldi and
 * Lempitsky, "Instance normalization", 2016.)
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, ...].
 * @param epsilon - Added to the variance; 1e-5 by default.
 * @throws ShapeError where nothing comes after the channels.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = instanceNorm(g.at('norm'), x);
 */
export function instanceNorm(g: GraphBuilder, x: Value, epsilon = 1e-5): Activation {
  return normalize(g, x, { from: 2, epsilon });
}

/**
 * Adds a division by the root mean square along the axes from `from` on, the last by default, with the weights `weight`
 * at the builder's path. (Zhang and Sennrich, "Root mean square layer normalization", 2019.)
 *
 * @param g - The builder; its path names the layer and its weights.
 * @param x - Of any shape.
 * @param options - The axes, the last one by default, and epsilon.
 * @throws ShapeError for axes that `x` lacks.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const tokens = g.input('tokens', [49, 768]);
 * const y = rmsNorm(g.at('norm'), tokens); // reads norm.weight [768]
 */
export function rmsNorm(g: GraphBuilder, x: Value, options: LayerNormOptions = {}): Activation {
  checkLayer(g, normalizeOp, { x }, options);
  const { shape } = x.desc;
  const { from = shape.length - 1, to = shape.length, epsilon = 1e-5 } = options;
  const y = normalize(g.at('normalized'), x, { from, to, centred: false, epsilon });
  return scaled(g, y, shape.slice(from, to), to - 1, false);
}

/** Times `weight`, plus `bias`: learned values along the axes that end with `last`. */
function scaled(
  g: GraphBuilder,
  y: Value,
  extents: Shape,
  last: number,
  hasBias: boolean,
): Activation {
  const along = (name: string): Value =>
    perChannel(g, g.weight(name, extents), y.desc.shape.length, last);
  const scale = along('weight');
  if (!hasBias) return pointwise(g, [y, scale], (value, s) => apply(mul, value, s));
  return pointwise(g, [y, scale, along('bias')], (value = 0, s = 1, offset = 0) =>
    apply(add, apply(mul, value, s), offset),
  );
}

type Normalize = Node<NormalizeAttributes, 'x'>;

function problemOf(node: Normalize, epilogue: Epilogue | undefined): NormalizeProblem {
  const { from, to, groups, centred, epsilon } = node.attributes;
  const rows = rowProblemOf(node, epilogue, from, to);
  return {
    ...rows,
    outer: rows.outer * groups,
    length: rows.length / groups,
    centred,
    epsilon,
  };
}

export function normalizeReference(node: Normalize, inputs: DataByRole): Float64Array {
  const rows = problemOf(node, undefined);
  const { outer, length, inner, centred, epsilon } = rows;
  const x = requireData(node, inputs, 'x');
  const y = new Float64Array(x.length);
  for (let row = 0; row < outer * inner; row++) {
    const first = firstOfRow(rows, row);
    const meanOf = (of: (value: number) => number): number => {
      let sum = 0;
      for (let i = 0; i < length; i++) sum += of(at(x, first + i * inner));
      return sum / length;
    };
    const centre = centred ? meanOf((value) => value) : 0;
    const deviation = Math.sqrt(meanOf((value) => (value - centre) ** 2) + epsilon);
    for (let i = 0; i < length; i++) {
      y[first + i * inner] = (at(x, first + i * inner) - centre) / deviation;
    }
  }
  return y;
}

/** What the first of two dispatches finds in the parts of rows. */
const MOMENTS = 'moments';
/** Elements of a part, and how many parts there are at most: each reads the moments of all parts of its row. */
const [PART, MOST_PARTS] = [2048, 1024];

const inParts: Kernel<NormalizeProblem> = kernel({
  name: 'normalize_parts',
  configs: (g) => partsConfigs(g, Math.min(g.length / PART, MOST_PARTS)),
  lower(g, { parts }, device) {
    const whole = { ...g, parts, outer: g.outer * parts, length: g.length / parts };
    const config = rowsConfig(whole, device);
    const first = { ...whole, epilogue: undefined, types: { ...g.types, y: 'f32' as const } };
    const bindings = [...inOrder(['x'], 'y'), { slot: 2, value: MOMENTS, access: 'read' as const }];
    return {
      dispatches: [
        rowDispatch(first, config, device, momentsOfParts, inOrder(['x'], MOMENTS)),
        rowDispatch(whole, config, device, normalizeParts, bindings),
      ],
      scratch: { [MOMENTS]: 2 * 4 * whole.outer * whole.inner },
    };
  },
});

export const normalizeOp: OpDef<NormalizeAttributes, 'x'> = {
  name: 'normalize',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { from, to, groups, epsilon } = call.attributes;
    checkAxes(call, shape, from, to, 1);
    const { [from]: extent = 1 } = shape;
    if (!Number.isSafeInteger(groups) || groups < 1 || extent % groups > 0) {
      throw shapeError(call, `${groups} groups must divide the ${extent} of axis ${from}`);
    }
    if (!(epsilon >= 0) || !Number.isFinite(epsilon)) {
      throw shapeError(call, `epsilon must be a number >= 0, got ${epsilon}`);
    }
    return tensorDesc(shape);
  },
  mixesBatch: (node) => node.attributes.from === 0,
  fusesEpilogue: true,
  passes: movementPasses,
  candidates: candidatesOf(problemOf, [inParts, rowKernel('normalize', shader)]),
};
