/**
 * Dispatches of more than 65535 workgroups. A kernel numbers its workgroups 0 .. tiles - 1; they are laid
 * out as rows of `columns`, and the last row may be cut short.
 */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
  readonly tiles: number;
}

/** The squarest-needed grid for `tiles` workgroups: one row as long as that is allowed. */
export function gridOf(tiles: number, maxPerDimension: number): Grid {
  const rows = Math.ceil(tiles / maxPerDimension);
  return { columns: Math.ceil(tiles / rows), rows, tiles };
}

/**
 * For the head of a module whose workgroups have a tile each: `tile_of(workgroup)` is its number, which may be
 * GRID_TILES and more for the last few.
 */
export function tileText({ columns, tiles }: Grid): string {
  return `
const GRID_COLUMNS = ${columns}u;
const GRID_TILES = ${tiles}u;

fn tile_of(workgroup: vec3u) -> u32 {
  return workgroup.x + workgroup.y * GRID_COLUMNS;
}`;
}

/**
 * For the head of a module whose invocations have an element each: `element_of(workgroup, thread)` is its number,
 * COUNT and more after the last.
 */
export function elementText({ columns }: Grid, threads: number, count: number): string {
  return `
const COUNT = ${count}u;
const THREADS = ${threads}u;
const GRID_COLUMNS = ${columns}u;

fn element_of(workgroup: vec3u, thread: u32) -> u32 {
  return (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
}`;
}
