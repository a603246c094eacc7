/**
 * Long sums are taken block by block: Higham, "The accuracy of floating point summation" (1993).
 *
 * One running sum of k products is off by about sqrt(k / 2) roundings, 96 for the 18432 of FCN's head. Sums of b
 * products each, added up as they end, are off by about sqrt(b / 2 + k / 2b): 12. Every sum takes a second place to
 * add up in: CPU adapters have it, the register tiles of convolutions and matrix products on GPUs have not. A GPU's
 * `linear` has few sums, of short slices.
 */
const BLOCK = 128;

/** Products of a block: whole steps of a loop. */
export function blockOf(step: number): number {
  return step * Math.max(1, Math.floor(BLOCK / step));
}
