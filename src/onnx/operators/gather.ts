/** Parts of computed values, taken from places that are known when the model is loaded. */
import { concat } from '../../layers/concat.ts';
import { rearrange, reshapeTo } from '../../layers/rearrange.ts';
import type { Value } from '../../runtime/graph.ts';
import type { GraphBuilder } from '../../runtime/graph_builder.ts';
import { Slice, Squeeze } from '../../runtime/movement/index.ts';
import { MOST_INDICES, MOST_SLICES } from '../bounds.ts';
import { demand } from '../errors.ts';
import type { ImportCall, Importer, Importers } from '../import_node.ts';
import { placesOf } from '../places.ts';

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

/** The rows that indices choose of an input. */
const gatherPlaces: Importer = (call) => {
  const { shape, inner, rows } = placesOf(call);
  const matrix = reshapeTo(call.g.at('rows'), call.value(0), [-1, inner]);
  const wanted = [...rows(Float64Array.from(call.numbers(1, 'the indices', MOST_INDICES)))];
  demand(wanted.length > 0, 'gathers nothing');
  return reshapeTo(call.g, gathered(call.g, matrix, 0, wanted), shape);
};

function gatherRows(call: ImportCall): Value {
  const x = call.value(0);
  const axis = call.axis(0, x.desc.shape.length);
  const extent = x.desc.shape[axis] ?? 1;
  const { shape } = call.known(1, 'the indices');
  const wanted = call.numbers(1, 'the indices', MOST_INDICES).map((i) => (i < 0 ? i + extent : i));
  const within = wanted.length > 0 && wanted.every((i) => i >= 0 && i < extent);
  demand(within, `indices are out of the ${extent} along axis ${axis}`);
  const joined = gathered(call.g, x, axis, wanted);
  if (shape.length === 1) return joined;
  if (shape.length === 0) return rearrange(call.g, joined, [new Squeeze({ axes: [axis] })]);
  return reshapeTo(call.g, joined, joined.desc.shape.toSpliced(axis, 1, ...shape));
}

export const importers: Importers = {
  Gather: gatherRows,
  GatherElements: gatherPlaces,
  GatherND: gatherPlaces,
};
