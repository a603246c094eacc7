/**
 * Rows taken from places: as slices side by side, where these are known when the model is loaded and few, otherwise by
 * the layer that gathers.
 */
import { apply, operand } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { concat } from '../../layers/concat.ts';
import { gatherOp, gather as layer } from '../../layers/gather.ts';
import { pointwise, pointwiseOp } from '../../layers/pointwise.ts';
import { rearrange, reshapeTo, transpose } from '../../layers/rearrange.ts';
import type { Value } from '../../runtime/graph.ts';
import type { GraphBuilder } from '../../runtime/graph_builder.ts';
import { Slice } from '../../runtime/movement/index.ts';
import { MOST_INDICES, MOST_SLICES } from '../bounds.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { ImportCall, Importer, Importers } from '../import_node.ts';
import { placesOf, within } from '../places.ts';
import { DataType as Type } from '../schema/enums.ts';
import { constant } from '../tensor.ts';
import { computedRows, rowsAlong, rowsAsWeight } from './computed_rows.ts';

interface Run {
  readonly from: number;
  readonly step: number;
  readonly count: number;
}

/** Indices as runs of even steps. */
export function runsOf(indices: readonly number[]): readonly Run[] {
  const runs: Run[] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    const step = last && index - (last.from + last.step * (last.count - 1));
    if (last && step && (last.count === 1 || step === last.step)) {
      runs[runs.length - 1] = { from: last.from, step, count: last.count + 1 };
    } else runs.push({ from: index, step: 1, count: 1 });
  }
  return runs;
}

/** Rows along an axis, as slices of runs side by side. Throws UnsupportedError where these are too many. */
export function gathered(
  g: GraphBuilder,
  x: Value,
  axis: number,
  wanted: readonly number[],
): Value {
  const runs = runsOf(wanted);
  const few = runs.length <= MOST_SLICES;
  demand(few, `gathers ${runs.length} parts; at most ${MOST_SLICES} are read`);
  return sideBySide(g, x, axis, runs);
}

/** Runs of rows along an axis, as slices. */
export function sideBySide(g: GraphBuilder, x: Value, axis: number, runs: readonly Run[]): Value {
  const parts = runs.map(({ from, step, count }, i) => {
    const end = from + step * count;
    const part = new Slice({ axis, from, step, ...(end >= 0 && { to: end }) });
    return rearrange(g.at(`part${i}`), x, [part]);
  });
  const [first] = parts;
  return first && parts.length === 1 ? first : concat(g.at('parts'), parts, axis);
}

/** Rows along an axis that are known, in the order of the list. */
function known(call: ImportCall, x: Value, axis: number, rows: readonly number[]): Value {
  demand(rows.length > 0, 'gathers nothing');
  const runs = rows.length <= MOST_INDICES ? runsOf(rows) : [];
  return runs.length > 0 && runs.length <= MOST_SLICES
    ? sideBySide(call.g, x, axis, runs)
    : taken(call, x, axis, rowsAsWeight(call, 'rows', Float64Array.from(rows)));
}

/** Rows along an axis by the layer, which takes those of the first; the axes of `rows` stand in its place. */
function taken(call: ImportCall, x: Value, axis: number, rows: Value): Value {
  const others = [...x.desc.shape.keys()].toSpliced(axis, 1);
  const front = axis === 0 ? x : transpose(call.g.at('front'), x, [axis, ...others]);
  const y = layer(call.g.at('taken'), front, rows);
  if (axis === 0) return y;
  const own = [...rows.desc.shape.keys()];
  const order = others.map((_, i) => own.length + i).toSpliced(axis, 0, ...own);
  return transpose(call.g.at('back'), y, order);
}

/** The rows that indices choose of an input: elements, or what tuples of indices name. */
const gatherPlaces: Importer = (call) => {
  const places = placesOf(call);
  const matrix = reshapeTo(call.g.at('matrix'), call.value(0), [-1, places.inner]);
  const rows = call.operand(1).constant
    ? known(call, matrix, 0, [...places.rows(call.data(1, 'the indices'))])
    : taken(call, matrix, 0, computedRows(call, places));
  return reshapeTo(call.g, rows, places.shape);
};

function gatherRows(call: ImportCall): Value {
  const x = call.value(0);
  const { shape } = x.desc;
  const axis = call.axis(0, shape.length);
  const extent = shape[axis] ?? 1;
  const whole = shape.toSpliced(axis, 1, ...call.shape(1));
  if (call.operand(1).constant) {
    const wanted = Array.from(call.data(1, 'the indices'), (index) => within(index, extent));
    return reshapeTo(call.g, known(call, x, axis, wanted), whole);
  }
  const rows = pointwise(call.g.at('rows'), [call.value(1)], (index = 0) =>
    rowsAlong(index, extent, 1, extent),
  );
  return taken(call, x, axis, rows);
}

/** 1, or another value, in the place of each index along an axis of its own. */
function oneHot(call: ImportCall): Value {
  const indices = call.value(0);
  const [depth = 0] = call.numbers(1, 'the depth', 1);
  const [off = 0, on = 1] = call.numbers(2, 'the values', 2);
  const rank = indices.desc.shape.length;
  const axis = call.axis(-1, rank + 1);
  demand(depth >= 1 && call.place.spend(depth), `makes ${depth} classes`);
  const classes = constant(
    [depth, ...Array<number>(rank - axis).fill(1)],
    Float64Array.from({ length: depth }, (_, i) => i),
    'int64',
  );
  const places = call.place.weight({ ...classes, name: `${call.name}/classes` });
  const own = rowsAlong(operand('index'), depth, 1, depth);
  const expression = apply(f.select, apply(f.equal, own, operand('place')), on, off);
  const index = reshapeTo(call.g.at('indices'), indices, indices.desc.shape.toSpliced(axis, 0, 1));
  // Of a type of its own, so that indices are read as they are.
  return call.g.add(pointwiseOp, { expression, dtype: 'f32' }, { index, place: places });
}

export const importers: Importers = {
  Gather: gatherRows,
  GatherElements: gatherPlaces,
  GatherND: gatherPlaces,
  OneHot: oneHot,
};

export const exporters: Exporters = [
  // Indices are numbers here.
  exporter(gatherOp, (node, writer) => {
    const [x = '', indices = ''] = read(writer, node, 'x', 'indices');
    const whole = writer.step(node, 'Cast', [indices], { to: { int: Type.INT64 } });
    writer.layer(node, 'Gather', [x, whole], { axis: { int: 0 } });
  }),
];
