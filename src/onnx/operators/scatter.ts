/**
 * ScatterElements and ScatterND: rows of updates put in the places of indices. Where these are known when the model is
 * loaded, it is known for each place which updates meet there.
 */
import { apply, type Expression } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { binary } from '../../layers/arithmetic.ts';
import { concat } from '../../layers/concat.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { reshapeTo, slice } from '../../layers/rearrange.ts';
import { scatter as layer, scatterOp } from '../../layers/scatter.ts';
import type { Value } from '../../runtime/graph.ts';
import { inputShape } from '../../runtime/operator.ts';
import { denseStrides, elementCount, formatShape, shapesEqual } from '../../runtime/tensor.ts';
import { MOST_INDICES, MOST_MEETING, MOST_ROWS, MOST_SLICES } from '../bounds.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import type { ImportCall, Importers } from '../import_node.ts';
import { type Places, placesOf, reductionOf } from '../places.ts';
import { TensorProto_DataType as Type } from '../schema/onnx_pb.ts';
import { constant } from '../tensor.ts';
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
  const ofElements = call.node.opType === 'ScatterElements';
  return put(call, ofElements ? rowsOfElements(call, places) : rowsOfTuples(call));
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
    const known = constant([places.length], places, 'int64');
    return put(call, call.place.weight({ ...known, name: `${call.name}/rows` }));
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

/**
 * How many rows a computed index along an axis stands for; it may count from the end. Where it is none of the axis it
 * is so far before the first row of all that no index of another axis brings it back.
 */
function rowsAlong(
  index: Expression | number,
  extent: number,
  stride: number,
  rows: number,
): Expression {
  const place = apply(f.select, apply(f.less, index, 0), apply(f.add, index, extent), index);
  const inside = apply(f.mul, apply(f.less, place, extent), apply(f.less_equal, 0, place));
  return apply(f.select, inside, apply(f.mul, place, stride), -rows);
}

/** The rows that computed indices choose: each stands for its own position, but for an axis. */
function rowsOfElements(call: ImportCall, { shape, rows }: Places): Value {
  const x = call.shape(0);
  const axis = call.axis(0, x.length);
  const stride = denseStrides(x)[axis] ?? 1;
  const indices = reshapeTo(call.g.at('indices'), call.value(1), [-1]);
  const along = pointwise(call.g.at('along'), [indices], (index = 0) =>
    rowsAlong(index, x[axis] ?? 1, stride, elementCount(x)),
  );
  if (x.length === 1) return along;
  const count = elementCount(shape);
  demand(call.place.spend(count), `places of ${count} updates would be computed`);
  // Of indices that are all 0, where each stands along the other axes; as a vector, which is stored in f32.
  const others = constant([count], rows(new Float64Array(count)), 'int64');
  const weight = call.place.weight({ ...others, name: `${call.name}/others` });
  return binary(call.g.at('rows'), f.add, along, weight);
}

/** The rows that computed tuples of indices choose. */
function rowsOfTuples(call: ImportCall): Value {
  const x = call.shape(0);
  const indices = call.value(1);
  const last = indices.desc.shape.length - 1;
  const strides = denseStrides(x.slice(0, indices.desc.shape[last] ?? 0));
  const [first, ...rest] = strides.map((stride, i) => {
    const g = call.g.at(`axis${i}`);
    const part = slice(g.at('part'), indices, last, i, i + 1);
    return pointwise(g, [part], (index = 0) =>
      rowsAlong(index, x[i] ?? 1, stride, elementCount(x)),
    );
  });
  demand(first, `indices ${formatShape(indices.desc.shape)} name no axis`);
  return rest.reduce((sum, part, i) => binary(call.g.at(`sum${i}`), f.add, sum, part), first);
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
