/** Where indices point to: GatherElements, GatherND and their counterparts that scatter. */
import { add, type Binary, max, min, mul } from '../../shaders/lib/expression_functions.ts';
import {
  denseStrides,
  elementCount,
  formatShape,
  positionOf,
  type Shape,
  shapesEqual,
} from '../runtime/tensor.ts';
import { demand } from './errors.ts';
import type { ImportCall } from './import_node.ts';
import type { Numbers } from './tensor.ts';

/** Rows of a tensor that is seen as a matrix. */
export interface Places {
  /** The elements of a row. */
  readonly inner: number;
  /** The shape of the rows that the indices choose. */
  readonly shape: Shape;
  /** The rows, by the indices' data. Throws UnsupportedError where one is out of the tensor. */
  readonly rows: (indices: Numbers) => Float64Array;
}

/** An index, counted from the end where it is negative. Throws UnsupportedError where it is out of the extent. */
export function within(index: number, extent: number): number {
  const found = index < 0 ? index + extent : index;
  demand(found >= 0 && found < extent, `index ${index} is out of ${extent}`);
  return found;
}

/** Each index stands for its own position, but for an axis. */
function elementPlaces(x: Shape, indices: Shape, axis: number): Places {
  const fits = indices.length === x.length;
  demand(fits, `indices ${formatShape(indices)} are not of ${formatShape(x)}`);
  const strides = denseStrides(x);
  const extent = x[axis] ?? 1;
  const rows = (data: Numbers) =>
    Float64Array.from(data, (index, i) =>
      positionOf(i, indices)
        .with(axis, within(index, extent))
        .reduce((sum, at, along) => {
          demand(
            at < (x[along] ?? 1),
            `indices ${formatShape(indices)} are out of ${formatShape(x)}`,
          );
          return sum + at * (strides[along] ?? 0);
        }, 0),
    );
  return { inner: 1, shape: indices, rows };
}

/** The last axis of the indices holds tuples, which are positions along the first axes after those of the batch. */
function tuplePlaces(x: Shape, indices: Shape, batch: number): Places {
  const length = indices.at(-1) ?? 0;
  const fits = batch >= 0 && batch < indices.length && batch + length <= x.length;
  demand(fits, `indices ${formatShape(indices)} are not of ${formatShape(x)}`);
  const alike = shapesEqual(x.slice(0, batch), indices.slice(0, batch));
  demand(alike, `indices ${formatShape(indices)} are of another batch than ${formatShape(x)}`);
  const part = x.slice(batch + length);
  const axes = x.slice(batch, batch + length);
  const strides = denseStrides(axes);
  const count = elementCount(indices.slice(0, -1));
  const each = count / elementCount(indices.slice(0, batch));
  const rows = (data: Numbers) =>
    Float64Array.from({ length: count }, (_, nth) =>
      axes.reduce(
        (sum, extent, i) => sum + within(data[nth * length + i] ?? 0, extent) * (strides[i] ?? 0),
        Math.floor(nth / each) * elementCount(axes),
      ),
    );
  return { inner: elementCount(part), shape: [...indices.slice(0, -1), ...part], rows };
}

/** What the node means by its indices, the second input. */
export function placesOf(call: ImportCall): Places {
  const [x, indices] = [call.shape(0), call.shape(1)];
  return call.node.opType.endsWith('ND')
    ? tuplePlaces(x, indices, call.int('batch_dims', 0))
    : elementPlaces(x, indices, call.axis(0, x.length));
}

const REDUCTIONS: readonly Binary[] = [add, mul, max, min];

/** How the updates of a node that scatters change what is there; undefined where they take its place. */
export function reductionOf(call: ImportCall): Binary | undefined {
  const name = call.choice('reduction', 'none', ...REDUCTIONS.map((fn) => fn.name));
  return REDUCTIONS.find((fn) => fn.name === name);
}
