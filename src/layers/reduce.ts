/** Sums, means, products and extremes along axes. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { apply } from '../../shaders/lib/expression.ts';
import { add, exp, log, sqrt, sub } from '../../shaders/lib/expression_functions.ts';
import {
  type ReduceKind,
  type ReduceProblem,
  reduce as shader,
} from '../../shaders/reduce.wgsl.ts';
import type { ReducedAxes } from '../runtime/builtins.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { type Kernel, kernel } from '../runtime/kernel.ts';
import { at, candidatesOf, inputShape, requireData, shapeError } from '../runtime/operator.ts';
import { inlineScalars } from '../runtime/passes/inline_scalars.ts';
import { tensorDesc } from '../runtime/tensor.ts';
import { inOrder } from './bindings.ts';
import { pointwise } from './pointwise.ts';
import { reshapeTo } from './rearrange.ts';
import {
  checkAxes,
  extentOf,
  firstOfRow,
  partsConfigs,
  rowDispatch,
  rowKernel,
  rowProblemOf,
  rowsConfig,
} from './rows.ts';

export interface ReduceAttributes extends ReducedAxes {
  readonly kind: ReduceKind;
}

/** What can be made of the elements along axes: the kinds that a kernel has, and those composed of them. */
export type Reduction = ReduceKind | 'l2' | 'log_sum' | 'log_sum_exp';

/** The axes of `reduce`. */
export interface ReduceOptions {
  /** The axes, from 0; all by default. */
  readonly axes?: readonly number[];
  /** Whether the axes stay, with an extent of 1; true by default. */
  readonly keepAxes?: boolean;
}

/**
 * Adds a reduction of `x` over axes. `sum_square` adds up squares, `l1` magnitudes, `l2` is the root of `sum_square`,
 * `log_sum_exp` log sum exp x, shifted by the maximum so that nothing overflows. Axes that are not neighbours take a
 * dispatch for each run of them.
 *
 * @param g - The builder; its path names the layer.
 * @param x - Of any shape.
 * @param reduction - What becomes of the elements.
 * @param options - The axes, all by default, and whether they stay with an extent of 1, as by default.
 * @returns The shape of `x`, with the axes of extent 1 or without them.
 * @throws ShapeError for axes that `x` lacks.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const energy = reduce(g.at('energy'), x, 'sum_square', { axes: [2, 3] }); // [N, C, H, W] to [N, C, 1, 1]
 */
export function reduce(
  g: GraphBuilder,
  x: Value,
  reduction: Reduction,
  options: ReduceOptions = {},
): Activation {
  const call = checkLayer(g, reduceOp, { x }, options);
  const { axes, keepAxes = true } = options;
  const { shape } = x.desc;
  const sorted = [...new Set(axes ?? shape.keys())].sort((a, b) => a - b);
  for (const axis of sorted) extentOf(call, shape, axis);
  const [from = 0] = sorted;
  const isRun = sorted.every((axis, i) => axis === from + i);
  if (isKind(reduction) && isRun) {
    const to = from + sorted.length;
    return g.add(reduceOp, { kind: reduction, from, to, keepAxes }, { x });
  }
  if (keepAxes) return keeping(g, x, reduction, sorted);
  const rest = shape.filter((_, axis) => !sorted.includes(axis));
  return reshapeTo(g, keeping(g.at('kept'), x, reduction, sorted), rest);
}

/** Of axes in their order, which stay. */
function keeping(
  g: GraphBuilder,
  x: Value,
  reduction: Reduction,
  axes: readonly number[],
): Activation {
  if (isKind(reduction)) return inRuns(g, x, reduction, axes);
  const of = (name: Reduction, value: Value): Activation =>
    reduce(g.at(name), value, name, { axes });
  switch (reduction) {
    case 'l2':
      return pointwise(g, [of('sum_square', x)], (sum) => apply(sqrt, sum));
    case 'log_sum':
      return pointwise(g, [of('sum', x)], (sum) => apply(log, sum));
    case 'log_sum_exp': {
      const largest = of('max', x);
      const powers = pointwise(g.at('exp'), [x, largest], (value, most) =>
        apply(exp, apply(sub, value, most)),
      );
      return pointwise(g, [of('sum', powers), largest], (sum, most) =>
        apply(add, apply(log, sum), most),
      );
    }
    default: {
      const known = [...Object.keys(COMBINED), 'l2', 'log_sum', 'log_sum_exp'].join(', ');
      const unknown: never = reduction;
      throw shapeError(g.named('reduce'), `expects one of ${known}, got ${String(unknown)}`);
    }
  }
}

/** Squares and magnitudes are taken once, and added up from then on. */
const AFTERWARDS: Readonly<Partial<Record<ReduceKind, ReduceKind>>> = {
  sum_square: 'sum',
  l1: 'sum',
};

/** A node for each run of neighbouring axes, the last run first. */
function inRuns(g: GraphBuilder, x: Value, kind: ReduceKind, axes: readonly number[]): Activation {
  const from = axes.findLastIndex((axis, i) => axes[i - 1] !== axis - 1);
  const run = axes.slice(from);
  const others = axes.slice(0, from);
  const at = others.length > 0 ? g.at(`axes ${run}`) : g;
  const first = reduce(at, x, kind, { axes: run });
  return others.length > 0 ? inRuns(g, first, AFTERWARDS[kind] ?? kind, others) : first;
}

function isKind(reduction: Reduction): reduction is ReduceKind {
  return Object.hasOwn(COMBINED, reduction);
}

/** How the reference combines elements. */
const COMBINED: Readonly<
  Record<ReduceKind, readonly [start: number, combine: (result: number, value: number) => number]>
> = {
  sum: [0, (sum, value) => sum + value],
  mean: [0, (sum, value) => sum + value],
  max: [Number.NEGATIVE_INFINITY, Math.max],
  min: [Number.POSITIVE_INFINITY, Math.min],
  prod: [1, (product, value) => product * value],
  sum_square: [0, (sum, value) => sum + value * value],
  l1: [0, (sum, value) => sum + Math.abs(value)],
};

function problemOf(
  node: Node<ReduceAttributes, 'x'>,
  epilogue: Epilogue | undefined,
): ReduceProblem {
  const { kind, from, to } = node.attributes;
  return {
    kind,
    ...rowProblemOf(node, epilogue, from, to),
  };
}

export function reduceReference(
  node: Node<ReduceAttributes, 'x'>,
  inputs: DataByRole,
): Float64Array {
  const rows = problemOf(node, undefined);
  const { kind, outer, length, inner } = rows;
  const x = requireData(node, inputs, 'x');
  const [start, combine] = COMBINED[kind];
  return new Float64Array(outer * inner).map((_, i) => {
    const first = firstOfRow(rows, i);
    let result = start;
    for (let l = 0; l < length; l++) result = combine(result, at(x, first + l * inner));
    return kind === 'mean' ? result / length : result;
  });
}

/** What parts of rows make. */
const PARTS = 'parts';

/** Of few long rows, first of their parts, of which there are as many as each has elements; then of what these make. */
const inParts: Kernel<ReduceProblem> = kernel({
  name: 'reduce_in_parts',
  configs: (g) => partsConfigs(g, Math.sqrt(g.length)),
  lower(g, { parts }, device) {
    const { outer, length, inner, types, kind } = g;
    const first: ReduceProblem = {
      kind,
      outer: outer * parts,
      length: length / parts,
      inner,
      shape: [outer * parts, inner],
      types: { ...types, y: 'f32' },
      epilogue: undefined,
    };
    const last: ReduceProblem = {
      ...g,
      kind: AFTERWARDS[kind] ?? kind,
      length: parts,
      types: { ...types, x: 'f32' },
    };
    const dispatch = (rows: ReduceProblem, from: string, to: string) =>
      rowDispatch(rows, rowsConfig(rows, device), device, shader, inOrder([from], to));
    return {
      dispatches: [dispatch(first, 'x', PARTS), dispatch(last, PARTS, 'y')],
      scratch: { [PARTS]: 4 * outer * parts * inner },
    };
  },
});

export const reduceOp: OpDef<ReduceAttributes, 'x'> = {
  name: 'reduce',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { from, to, keepAxes } = call.attributes;
    checkAxes(call, shape, from, to, 0);
    const kept = keepAxes ? shape.slice(from, to).map(() => 1) : [];
    return tensorDesc([...shape.slice(0, from), ...kept, ...shape.slice(to)]);
  },
  mixesBatch: (node) => node.attributes.from === 0 && node.attributes.to > 0,
  fusesEpilogue: true,
  passes: { 'inline scalars': inlineScalars },
  candidates: candidatesOf(problemOf, [inParts, rowKernel('reduce', shader)]),
};
