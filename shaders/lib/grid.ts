/**
 * Dispatches of more than 65535 workgroups. A kernel numbers its workgroups 0 .. total - 1; they are laid
 * out as rows of `columns`, and the last row may be cut short:
 *
 *     let tile = workgroup.x + workgroup.y * GRID_COLUMNS;
 *     if (tile >= GRID_TILES) { return; }
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
