/** Where elements come from, when data only moves. */

/**
 * An affine map from the elements of y to those of x. With y counted in row-major order over `extents`, which need
 * not be its shape, only its elements in the same order:
 *
 *     y[i] = x[offset + sum over a of i_a * strides_a]   where bounds_a[0] <= i_a < bounds_a[1] for every axis a
 *     y[i] = fill                                        elsewhere
 *
 * Strides are in elements; they may be 0, which repeats, or negative. Only indices within the bounds lead into x:
 * `offset` itself may be negative.
 */
export interface IndexMap {
  readonly extents: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly bounds: readonly (readonly [from: number, to: number])[];
  readonly fill: number;
}
