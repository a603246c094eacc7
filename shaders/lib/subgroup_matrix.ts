/**
 * The one place that knows how WGSL spells subgroup matrices, and what WebGPU calls them: an experiment of Chromium's
 * Dawn, by https://dawn.googlesource.com/dawn/+/refs/heads/main/docs/dawn/features/subgroup_matrix.md. As it is
 * proposed for WebGPU, the extension and the feature are `subgroup_matrix` and `subgroup-matrix`.
 *
 * A matrix lies in the registers of a whole subgroup: `left` is M x K, `right` is K x N, both in f16; `sums` is M x N,
 * in f32. All that touches one must be reached by all invocations of the subgroup together.
 */

/** Features to ask an adapter for. */
export const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix';

/** Where subgroups may be of several widths, the feature by which a kernel says which. */
export const SUBGROUP_SIZE_FEATURE = 'subgroup-size-control';

/** What kernels need of those: rows of the left matrix, columns of the right one, and what they have in common. */
export type MatrixSize = readonly [m: number, n: number, k: number];

/** Directives, which come before all else. `sized`: kernels say how wide subgroups are. */
export function matrixDirectives(sized: boolean): string {
  const size = sized ? 'enable subgroup_size_control;\n' : '';
  return `enable chromium_experimental_subgroup_matrix;\nenable subgroups;\n${size}`;
}

/** In front of the entry point. */
export function subgroupSizeAttribute(size: number | undefined): string {
  return size === undefined ? '' : `@subgroup_size(${size})`;
}

/**
 * Types, and functions over a workgroup array of vec4u: eight halves, or four sums. Places and distances count its
 * elements. The left matrix lies row by row, the right one column by column, so that neighbours in memory are
 * neighbours along k; sums lie row by row.
 */
export function matrixText(
  [m, n, k]: MatrixSize,
  { array, stride, sumsStride }: Readonly<Record<'array' | 'stride' | 'sumsStride', string>>,
): string {
  return `
alias Left = subgroup_matrix_left<f16, ${k}, ${m}>;
alias Right = subgroup_matrix_right<f16, ${n}, ${k}>;
alias Sums = subgroup_matrix_result<f32, ${n}, ${m}>;

fn load_left(at: u32) -> Left {
  return subgroupMatrixLoad<Left, row_major>(&${array}, at, ${stride});
}

fn load_right(at: u32) -> Right {
  return subgroupMatrixLoad<Right, col_major>(&${array}, at, ${stride});
}

fn multiply_add(left: Left, right: Right, sums: Sums) -> Sums {
  return subgroupMatrixMultiplyAccumulate(left, right, sums);
}

fn store_sums(at: u32, sums: Sums) {
  subgroupMatrixStore<row_major>(&${array}, at, sums, ${sumsStride});
}`;
}
