/** Padding of feature maps, also by negative amounts, which cut. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import { MAP_THREADS } from '../../shaders/lib/map_kernel.ts';
import { type Pad2dProblem, type PadMode, pad2d as shader } from '../../shaders/pad2d.wgsl.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { at, candidatesOf, inputShape, requireData, shapeError } from '../runtime/operator.ts';
import { nchw, tensorDesc } from '../runtime/tensor.ts';
import { checkChoices, checkFinite } from './choices.ts';
import { featureMap } from './feature_map.ts';
import { mapProblemOf } from './map_problem.ts';
import { oneDispatch } from './one_dispatch.ts';
import type { Padding } from './window.ts';

/** How much `pad2d` adds, and of what. */
export interface Pad2dAttributes {
  /** Rows and columns on each side. */
  readonly padding: Padding;
  /** What they are made of; `constant` by default. */
  readonly mode: PadMode;
  /** What `constant` padding is made of. */
  readonly value: number;
}

/**
 * Adds a padding, of zeros by default.
 *
 * @param g - The builder; its path names the layer.
 * @param x - [N, C, H, W].
 * @param sides - Rows and columns to add on each side; negative amounts cut.
 * @param options - Of what they are made: `constant`, with a value, by default 0; `edge`, `wrap` or `reflect`.
 * @returns [N, C, H + top + bottom, W + left + right].
 * @throws ShapeError where nothing is left, or `reflect` has too little.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const y = pad2d(g.at('pad'), x, { top: 1, left: 1, bottom: 1, right: 1 }, { mode: 'reflect' });
 */
export function pad2d(
  g: GraphBuilder,
  x: Value,
  sides: Padding,
  options: Partial<Pick<Pad2dAttributes, 'mode' | 'value'>> = {},
): Activation {
  checkLayer(g, pad2dOp, { x }, sides, options);
  const { mode = 'constant', value = 0 } = options;
  return g.add(pad2dOp, { padding: sides, mode, value }, { x });
}

function problemOf(node: Node<Pad2dAttributes, 'x'>, epilogue: Epilogue | undefined): Pad2dProblem {
  const x = nchw(inputShape(node, 'x'));
  const y = nchw(node.output.desc.shape);
  const { mode, value, padding } = node.attributes;
  return {
    mode,
    value,
    ...mapProblemOf(node, epilogue),
    inputHeight: x.height,
    inputWidth: x.width,
    outputWidth: y.width,
    top: padding.top,
    left: padding.left,
  };
}

/** The input position of an output position; undefined where the padding is constant. */
function source(mode: PadMode, i: number, extent: number): number | undefined {
  if (mode === 'constant') return i >= 0 && i < extent ? i : undefined;
  if (mode === 'edge') return Math.min(Math.max(i, 0), extent - 1);
  if (mode === 'wrap') return ((i % extent) + extent) % extent;
  return extent - 1 - Math.abs(extent - 1 - Math.abs(i));
}

export function pad2dReference(node: Node<Pad2dAttributes, 'x'>, inputs: DataByRole): Float64Array {
  const g = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  return new Float64Array(g.count).map((_, i) => {
    const plane = Math.floor(i / g.plane);
    const outputRow = Math.floor((i % g.plane) / g.outputWidth);
    const row = source(g.mode, outputRow - g.top, g.inputHeight);
    const column = source(g.mode, (i % g.outputWidth) - g.left, g.inputWidth);
    if (row === undefined || column === undefined) return g.value;
    return at(x, (plane * g.inputHeight + row) * g.inputWidth + column);
  });
}

export const pad2dOp: OpDef<Pad2dAttributes, 'x'> = {
  name: 'pad2d',
  inferShape(call) {
    const { batch, channels, height, width } = featureMap(call, 'x');
    checkChoices(call, { mode: ['constant', 'edge', 'wrap', 'reflect'] });
    const { padding, mode, value } = call.attributes;
    const { top, left, bottom, right } = padding;
    const sides = [top, left, bottom, right];
    if (!sides.every(Number.isSafeInteger)) {
      throw shapeError(call, `padding must be integers, got [${sides.join(', ')}]`);
    }
    checkFinite(call, 'value', value);
    if (mode === 'reflect' && !(Math.max(top, bottom) < height && Math.max(left, right) < width)) {
      throw shapeError(
        call,
        `reflected padding must be less than the ${height} x ${width} of the input, got [${sides.join(', ')}]`,
      );
    }
    if (height + Math.min(top, 0) + Math.min(bottom, 0) < 1) {
      throw shapeError(call, `the padding [${sides.join(', ')}] leaves nothing of ${height} rows`);
    }
    if (width + Math.min(left, 0) + Math.min(right, 0) < 1) {
      throw shapeError(
        call,
        `the padding [${sides.join(', ')}] leaves nothing of ${width} columns`,
      );
    }
    return tensorDesc([batch, channels, height + top + bottom, width + left + right]);
  },
  views: { x: 'map', y: 'map' },
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<Pad2dProblem, 'x'>({
      name: 'pad2d',
      source: shader,
      tiles: ({ count }) => Math.ceil(count / MAP_THREADS),
      reads: () => ['x'],
    }),
  ]),
};
