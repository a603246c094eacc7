/**
 * ScatterElements and ScatterND: rows of updates put in the places of indices. Where these are known when the model is
 * loaded, it is known for each place which updates meet there.
 */
import type * as f from '../../../shaders/lib/expression_functions.ts';
import { binary } from '../../layers/arithmetic.ts';
import { concat } from '../../layers/concat.ts';
import { reshapeTo } from '../../layers/rearrange.ts';
import { scatter as layer, scatterOp } from '../../layers/scatter.ts';
import type { Value } from '../../runtime/graph.ts';
import { inputShape } from '../../runtime/operator.ts';
import { elementCount, formatShape, shapesEqual } from '../../runtime/tensor.ts';
import { MOST_INDICES, MOST_MEETING, MOST_ROWS, MOST_SLICES } from '../bounds.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { ImportCall, Importers } from '../import_node.ts';
import { type Places, placesOf, reductionOf } from '../places.ts';
import { DataType as Type } from '../schema/enums.ts';
import { computedRows, rowsAsWeight } from './computed_rows.ts';
import { gathered, runsOf, sideBySide } from './gather.ts';

function importScatter(call: ImportCall): Value {
  const reduction = reductionOf(call);
  if (elementCount(call.shape(1)) === 0) return call.value(0);
  const places = placesOf(call);
  const fits = shapesEqual(call.shape(2), places.shape);
  demand(fits, `updates ${formatShape(call.shape(2))} are not ${formatShape(places.shape)}`);
  const known = call.operand(1).constant !== undefined;
  if (reduction) {
    demand(
      known,
      `reduction ${reduction.name} is read of indices that are known, and these are not`,
    );
    return reduced(call, places, reduction);
  }
  if (known) return placed(call, places);
  return put(call, computedRows(call, places));
}

/** The updates by the kernel that scatters, in any places. */
function put(call: ImportCall, rows: Value): Value {
  return layer(call.g, call.value(0), rows, call.value(2));
}

/** An input as rows. */
function matrix(call: ImportCall, name: string, index: number, inner: number): Value {
  return reshapeTo(call.g.at(name), call.value(index), [-1, inner]);
}

/** In places that are known: as slices side by side, where these are few. */
function placed(call: ImportCall, { inner, rows }: Places): Value {
  const places = rows(call.data(1, 'the indices'));
  const sources = sourcesOf(elementCount(call.shape(0)) / inner, places);
  const runs = sources && runsOf(sources);
  if (!runs || runs.length > MOST_SLICES) {
    return put(call, rowsAsWeight(call, 'rows', places));
  }
  const parts = [matrix(call, 'rows', 0, inner), matrix(call, 'updates', 2, inner)];
  const both = concat(call.g.at('both'), parts, 0);
  return reshapeTo(call.g, sideBySide(call.g, both, 0, runs), call.shape(0));
}

/** Where each of so many rows is found in these and updates after them: of two that meet, the later. */
function sourcesOf(count: number, places: ArrayLike<number>): readonly number[] | undefined {
  if (count > MOST_ROWS || places.length > MOST_INDICES) return undefined;
  const sources = Array.from({ length: count }, (_, row) => row);
  for (const [k, place] of Array.from(places).entries()) sources[place] = count + k;
  return sources;
}

/** In places that are known, in rounds of updates of which no two meet. */
function reduced(call: ImportCall, { inner, rows }: Places, combine: f.Binary): Value {
  const count = elementCount(call.shape(0)) / inner;
  const wanted = rows(Float64Array.from(call.numbers(1, 'the indices', MOST_INDICES)));
  const updates = matrix(call, 'updates', 2, inner);
  let result = matrix(call, 'rows', 0, inner);
  for (const [nth, round] of roundsOf(wanted).entries()) {
    const g = call.g.at(`round${nth}`);
    const places = round.map((k) => wanted[k] ?? 0);
    const sources = sourcesOf(count, places);
    demand(sources, `scatters into ${count} rows; at most ${MOST_ROWS} are`);
    const old = gathered(g.at('old'), result, 0, places);
    const changed = binary(g, combine, old, gathered(g.at('updates'), updates, 0, round));
    const both = concat(g.at('both'), [result, changed], 0);
    result = gathered(g.at('row'), both, 0, sources);
  }
  return reshapeTo(call.g, result, call.shape(0));
}

/** The numbers of updates by how many before them go to the same row. */
function roundsOf(rows: Float64Array): readonly (readonly number[])[] {
  const rounds: number[][] = [];
  const met = new Map<number, number>();
  for (const [k, row] of rows.entries()) {
    const nth = met.get(row) ?? 0;
    met.set(row, nth + 1);
    demand(nth < MOST_MEETING, `more than ${MOST_MEETING} updates meet in one place`);
    rounds[nth] ??= [];
    rounds[nth].push(k);
  }
  return rounds;
}

export const importers: Importers = { ScatterElements: importScatter, ScatterND: importScatter };

export const exporters: Exporters = [
  // Indices are numbers here, and whole rows are put.
  exporter(scatterOp, (node, writer) => {
    const [x = '', indices = '', updates = ''] = read(writer, node, 'x', 'indices', 'updates');
    const places = elementCount(inputShape(node, 'indices'));
    const inner = elementCount(inputShape(node, 'updates')) / places;
    const { shape } = node.output.desc;
    const as = (value: string, part: string, extents: readonly number[]) =>
      writer.step(node, 'Reshape', [value, writer.integers(node, part, extents)]);
    const whole = writer.step(node, 'Cast', [indices], { to: { int: Type.INT64 } });
    const put = writer.step(node, 'ScatterND', [
      as(x, 'rows', [elementCount(shape) / inner, inner]),
      as(whole, 'places', [places, 1]),
      as(updates, 'updates', [places, inner]),
    ]);
    writer.layer(node, 'Reshape', [put, writer.integers(node, 'shape', shape)]);
  }),
];
