/**
 * Tensors of which only some blocks are stored.
 * (Kjolstad et al., "The Tensor Algebra Compiler", 2017, has such levels.)
 */
import { MOST_AXES } from '../onnx/bounds.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { demandSound } from './errors.ts';
import type { Table } from './flatbuffer.ts';

/** Of one level: all indices, or those that are listed for each index of the levels above. */
type Level =
  | { readonly extent: number }
  | { readonly segments: readonly number[]; readonly indices: readonly number[] };

export interface Sparsity {
  /** Which axis a level is of; those from the rank on are within blocks. */
  readonly order: readonly number[];
  /** The axes that the axes within blocks divide. */
  readonly blocked: readonly number[];
  readonly levels: readonly Level[];
}

/** Fields of tables, by their indices in TFLite's schema. */
const SPARSITY = { order: 0, blocked: 1, levels: 2 };
const LEVEL = { format: 0, extent: 1, segmentsType: 2, segments: 3, indicesType: 4, indices: 5 };
/** A level that lists its indices. */
const LISTED = 1;
/** Rows, or the like, in which nothing is stored. */
const MOST_EMPTY = 2 ** 16;
/** Integers of lists, by the number of their type in a union. */
const INTEGERS = [undefined, 'int32', 'uint16', 'uint8'] as const;

export function sparsityOf(table: Table): Sparsity {
  return {
    order: table.numbers(SPARSITY.order, 'int32'),
    blocked: table.numbers(SPARSITY.blocked, 'int32'),
    levels: table.tables(SPARSITY.levels).map((level) =>
      level.number(LEVEL.format, 'int8') === LISTED
        ? {
            segments: integersOf(level, LEVEL.segmentsType, LEVEL.segments),
            indices: integersOf(level, LEVEL.indicesType, LEVEL.indices),
          }
        : { extent: level.number(LEVEL.extent, 'int32') },
    ),
  };
}

function integersOf(level: Table, type: number, field: number): readonly number[] {
  const integers = INTEGERS[level.number(type, 'uint8')];
  return (integers && level.table(field)?.numbers(0, integers)) ?? [];
}

/** All elements of such a tensor, of `size` bytes each: those that are not stored are 0. */
export function dense(
  stored: Uint8Array,
  sparsity: Sparsity,
  shape: Shape,
  size: number,
): Uint8Array {
  const { order, blocked, levels } = sparsity;
  const rank = shape.length;
  const sound =
    rank <= MOST_AXES &&
    levels.length <= 2 * MOST_AXES &&
    levels.length === rank + blocked.length &&
    order.length === levels.length &&
    levels.every((_, axis) => order.includes(axis)) &&
    blocked.every((axis) => axis >= 0 && axis < rank);
  demandSound(sound, 'has a sparse tensor whose levels do not fit its shape');
  const result = new Uint8Array(elementCount(shape) * size);
  let next = 0;
  for (const index of indicesOf(sparsity, stored.length / size)) {
    const place = index.slice(0, rank);
    for (const [i, axis] of blocked.entries()) {
      const level = levels[order.indexOf(rank + i)];
      const extent = level && 'extent' in level ? level.extent : 0;
      place[axis] = (place[axis] ?? 0) * extent + (index[rank + i] ?? 0);
    }
    const inside = place.every((one, axis) => one >= 0 && one < (shape[axis] ?? 0));
    const enough = (next + 1) * size <= stored.length;
    demandSound(inside && enough, 'has a sparse tensor that is damaged');
    const at = place.reduce((sum, one, axis) => sum * (shape[axis] ?? 1) + one, 0);
    result.set(stored.subarray(next * size, (next + 1) * size), at * size);
    next++;
  }
  return result;
}

/** The index of each element that is stored, by axis, in order. It is the same array at each turn. */
function* indicesOf({ order, levels }: Sparsity, stored: number): Generator<number[]> {
  const index = levels.map(() => 0);
  let left = levels.length * (stored + MOST_EMPTY);
  /** `above` is the position among all that the levels above store. */
  function* below(depth: number, above: number): Generator<number[]> {
    demandSound(left-- > 0, 'has a sparse tensor with far more rows than elements');
    const level = levels[depth];
    if (!level) {
      yield index;
      return;
    }
    const axis = order[depth] ?? 0;
    if ('extent' in level) {
      for (let i = 0; i < level.extent; i++) {
        index[axis] = i;
        yield* below(depth + 1, above * level.extent + i);
      }
      return;
    }
    const { segments, indices } = level;
    const end = Math.min(segments[above + 1] ?? 0, indices.length);
    for (let i = segments[above] ?? 0; i < end; i++) {
      index[axis] = indices[i] ?? 0;
      yield* below(depth + 1, i);
    }
  }
  yield* below(0, 0);
}
