/**
 * Kernels that reduce rows: a tensor is seen as [OUTER, LENGTH, INNER], and a row is the LENGTH elements INNER apart
 * that belong to one place of OUTER and INNER.
 *
 * Thread mapping. LANES invocations share a row: lane l takes the elements l, l + LANES, ...; a workgroup has TILE_ROWS
 * rows. Neighbouring invocations read neighbouring words: those of one row where its elements lie together (INNER = 1),
 * else those of neighbouring rows.
 *
 *     INNER = 1    row 0: lane 0 1 2 3    row 1: lane 0 1 2 3
 *     INNER > 1    lane 0: row 0 1 2 3    lane 1: row 0 1 2 3
 *
 * What the lanes find is combined by a tree in workgroup memory, always in the same order, so that the same input gives
 * the same bits. Sums are made block by block: of n values the error grows with the root of n and not with n.
 */
import { elementTypes, type UnaryTypes } from './element_types.ts';
import type { Epilogue } from './epilogue.ts';
import { epilogueAtText } from './epilogue_at.ts';
import { type Grid, tileText } from './grid.ts';
import { wgsl } from './wgsl.ts';

/** A tensor seen as [outer, length, inner]: rows of `length` elements, `inner` apart. */
export interface Rows {
  /** What the axes before the rows multiply to. */
  readonly outer: number;
  /** Elements of a row. */
  readonly length: number;
  /** What the axes after the rows multiply to. */
  readonly inner: number;
}

/** A tensor x whose rows make a tensor y, either row-major. */
export interface RowProblem extends Rows {
  /** Of y. */
  readonly shape: readonly number[];
  /** How input and output are stored. */
  readonly types: UnaryTypes;
  /** What becomes of a result before it is stored, if anything. */
  readonly epilogue: Epilogue | undefined;
}

export interface RowsConfig {
  /** Invocations of a workgroup. */
  readonly threads: number;
  /** Invocations of a row, a power of two that divides `threads`. */
  readonly lanes: number;
}

/** Workgroups that the rows take. */
export function rowTiles({ outer, inner }: Rows, { threads, lanes }: RowsConfig): number {
  return Math.ceil((outer * inner * lanes) / threads);
}

/**
 * The head of a module: bindings, `epilogue_at(value, at)`, the sizes, and `row_of(workgroup, thread)`. Invocations
 * after the last row work on that row again, as all of them must reach the barriers; `inside` tells that what they find
 * is to be stored.
 */
export function rowsText(
  { outer, length, inner, shape, types, epilogue }: RowProblem,
  { threads, lanes }: RowsConfig,
  grid: Grid,
): string {
  return wgsl`
${elementTypes(types, epilogue)}
const LENGTH = ${length}u;
const INNER = ${inner}u;
const ROWS = ${outer * inner}u;
const THREADS = ${threads}u;
const LANES = ${lanes}u;
const TILE_ROWS = THREADS / LANES;
// Elements of a lane, and of them those that are added up at a time.
const STEPS = (LENGTH + LANES - 1u) / LANES;
const BLOCK = ${Math.max(1, Math.ceil(Math.sqrt(length / lanes)))}u;
${tileText(grid)}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
${epilogueAtText(epilogue, shape, 'parameters')}

struct Row {
  // Which row, where its first element is, and how the invocation shares in it.
  nth: u32,
  first: u32,
  lane: u32,
  place: u32,
  inside: bool,
}

fn row_of(workgroup: vec3u, thread: u32) -> Row {
#if ${inner === 1}
  let lane = thread % LANES;
  let place = thread / LANES;
#else
  let lane = thread / TILE_ROWS;
  let place = thread % TILE_ROWS;
#endif
  let nth = tile_of(workgroup) * TILE_ROWS + place;
  let row = min(nth, ROWS - 1u);
  return Row(row, row / INNER * (LENGTH * INNER) + row % INNER, lane, place, nth < ROWS);
}
`;
}

/** `let total = add_up(row, sum);`: what the lanes of a row have added up, in each of them. */
export function addUpText(config: RowsConfig): string {
  return `
fn sum_of(a: f32, b: f32) -> f32 {
  return a + b;
}
${lanesText('add_up', config, 'sum_of')}`;
}

/**
 * `let total = NAME(row, value);`: what `combine`, a function of the module, makes of the values of all lanes of a row,
 * in each of them.
 */
export function lanesText(
  name: string,
  { lanes }: RowsConfig,
  combine: string,
  type = 'f32',
): string {
  if (lanes === 1) {
    return `
fn ${name}(row: Row, value: ${type}) -> ${type} {
  return value;
}`;
  }
  const partial = `${name}_partial`;
  return `
var<workgroup> ${partial}: array<${type}, THREADS>;

fn ${name}(row: Row, value: ${type}) -> ${type} {
  let at = row.lane * TILE_ROWS + row.place;
  ${partial}[at] = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (row.lane < half) {
      ${partial}[at] = ${combine}(${partial}[at], ${partial}[at + half * TILE_ROWS]);
    }
  }
  workgroupBarrier();
  let total = ${partial}[row.place];
  workgroupBarrier();
  return total;
}`;
}
