/**
 * Normalisation of few long rows, each cut into PARTS of LENGTH elements, so that many workgroups share a row. Of its
 * parts' means m and sums of squared distances s from these, a row has
 *
 *     mean = mean of m,    variance = ( sum of s + LENGTH (m - mean)^2 ) / (PARTS LENGTH)
 *
 * which loses no digits where the mean is large beside the deviation. (Chan, Golub and LeVeque, "Updating formulae and
 * a pairwise algorithm for computing sample variances", 1979.) Where rows are not centred, m and the mean are 0.
 *
 * Layouts: x, y row-major, seen as [OUTER / PARTS, PARTS, LENGTH, INNER]; moments [OUTER / PARTS, PARTS, INNER, 2], m
 * and s of each part.
 * Thread mapping: that of rows (lib/rows.ts), of which each part is one. The first dispatch walks a part twice and
 * writes its moments; in the second, the lanes of a part make one of the moments of all parts of its row, and store.
 */
import type { Grid } from './lib/grid.ts';
import { addUpText, type RowsConfig, rowsText } from './lib/rows.ts';
import { wgsl } from './lib/wgsl.ts';
import { laneSumText, type NormalizeProblem, storeText } from './normalize.wgsl.ts';

/** Of a tensor whose rows are the parts. */
export interface NormalizePartsProblem extends NormalizeProblem {
  /** Parts of a row, which follow one another. */
  readonly parts: number;
}

/** The first dispatch: of x, the moments of each part. */
export function momentsOfParts(g: NormalizePartsProblem, config: RowsConfig, grid: Grid): string {
  return wgsl`
${rowsText(g, config, grid)}
${addUpText(config)}
${laneSumText()}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = row_of(workgroup, thread);
#if ${g.centred}
  let mean = add_up(row, lane_sum(row, 0.0, false)) / f32(LENGTH);
#else
  const mean = 0.0;
#endif
  let squares = add_up(row, lane_sum(row, mean, true));
  if (row.inside && row.lane == 0u) {
    y[2u * row.nth] = mean;
    y[2u * row.nth + 1u] = squares;
  }
}
`;
}

/** The second dispatch: of x and the moments of all parts, y. */
export function normalizeParts(g: NormalizePartsProblem, config: RowsConfig, grid: Grid): string {
  return wgsl`
${rowsText(g, config, grid)}
const EPSILON = ${g.epsilon};
const PARTS = ${g.parts}u;

@group(0) @binding(2) var<storage, read> moments: array<vec2f>;
${addUpText(config)}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = row_of(workgroup, thread);
  let first = row.nth / (PARTS * INNER) * (PARTS * INNER) + row.nth % INNER;
  var means = 0.0;
  for (var part = row.lane; part < PARTS; part += LANES) {
    means += moments[first + part * INNER].x;
  }
  let centre = add_up(row, means) / f32(PARTS);
  var squares = 0.0;
  for (var part = row.lane; part < PARTS; part += LANES) {
    let found = moments[first + part * INNER];
    let apart = found.x - centre;
    squares += found.y + f32(LENGTH) * apart * apart;
  }
  let variance = add_up(row, squares) / f32(PARTS * LENGTH);
  let deviation = sqrt(variance + EPSILON);
${storeText()}
}
`;
}
