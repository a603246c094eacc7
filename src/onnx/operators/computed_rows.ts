/** Rows that indices choose, as the layers that gather and scatter take them: numbers of rows of a matrix. */
import { apply, type Expression } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { binary } from '../../layers/arithmetic.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { reshapeTo, slice } from '../../layers/rearrange.ts';
import type { Value } from '../../runtime/graph.ts';
import { denseStrides, elementCount, formatShape } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import type { ImportCall } from '../import_node.ts';
import type { Places } from '../places.ts';
import { constant, type Numbers } from '../tensor.ts';

/** Numbers of rows that are known; as a vector, which is stored in f32. */
export function rowsAsWeight(call: ImportCall, name: string, rows: Numbers): Value {
  const known = constant([rows.length], rows, 'int64');
  return call.place.weight({ ...known, name: `${call.name}/${name}` });
}

/** The rows that computed indices, the second input, choose as the node means them. */
export function computedRows(call: ImportCall, places: Places): Value {
  return call.node.opType.endsWith('ND')
    ? rowsOfTuples(call, places)
    : rowsOfElements(call, places);
}

/**
 * How many rows a computed index along an axis stands for; it may count from the end. Where it is none of the axis it
 * is so far before the first row of all that no index of another axis brings it back.
 */
export function rowsAlong(
  index: Expression | number,
  extent: number,
  stride: number,
  rows: number,
): Expression {
  const place = apply(f.select, apply(f.less, index, 0), apply(f.add, index, extent), index);
  const inside = apply(f.mul, apply(f.less, place, extent), apply(f.less_equal, 0, place));
  return apply(f.select, inside, apply(f.mul, place, stride), -rows);
}

/** Each index stands for its own position, but for an axis. */
function rowsOfElements(call: ImportCall, places: Places): Value {
  const x = call.shape(0);
  const axis = call.axis(0, x.length);
  const stride = denseStrides(x)[axis] ?? 1;
  const indices = reshapeTo(call.g.at('indices'), call.value(1), [-1]);
  const along = pointwise(call.g.at('along'), [indices], (index = 0) =>
    rowsAlong(index, x[axis] ?? 1, stride, elementCount(x)),
  );
  return x.length === 1 ? along : withOthers(call, along, places);
}

/** The last axis of the indices holds tuples. */
function rowsOfTuples(call: ImportCall, places: Places): Value {
  const batch = call.int('batch_dims', 0);
  const indices = call.value(1);
  const last = indices.desc.shape.length - 1;
  const axes = call.shape(0).slice(batch, batch + (indices.desc.shape[last] ?? 0));
  const strides = denseStrides(axes);
  const [first, ...rest] = axes.map((extent, i) => {
    const g = call.g.at(`axis${i}`);
    const part = slice(g.at('part'), indices, last, i, i + 1);
    return pointwise(g, [part], (index = 0) =>
      rowsAlong(index, extent, strides[i] ?? 1, elementCount(call.shape(0))),
    );
  });
  demand(first, `indices ${formatShape(indices.desc.shape)} name no axis`);
  const sum = rest.reduce((so, part, i) => binary(call.g.at(`sum${i}`), f.add, so, part), first);
  return batch > 0 ? withOthers(call, reshapeTo(call.g.at('flat'), sum, [-1]), places) : sum;
}

/** With where each stands along the other axes: the rows of indices that are all 0. */
function withOthers(call: ImportCall, along: Value, { rows }: Places): Value {
  const count = elementCount(call.shape(1));
  demand(call.place.spend(count), `places of ${count} indices would be computed`);
  const others = rowsAsWeight(call, 'others', rows(new Float64Array(count)));
  return binary(call.g.at('rows'), f.add, along, others);
}
