/** Dispatches that give each of `count` elements an invocation. */
import { DIMENSIONS_SLOT, type Dimensions } from '../../../shaders/lib/dimensions.ts';
import { type Grid, gridOf } from '../../../shaders/lib/grid.ts';
import type { DeviceProfile, KernelDispatch } from '../../runtime/operator.ts';
import { inOrder } from '../bindings.ts';

/** `reads` and then `writes` are bound from slot 0 on; a `null` leaves its slot out. */
export function elementwiseDispatch(
  device: DeviceProfile,
  count: number,
  threads: number,
  reads: readonly (string | null)[],
  writes: string,
  shader: (grid: Grid) => { readonly source: string; readonly words?: Dimensions['words'] },
): KernelDispatch {
  const limit = device.limits.maxComputeWorkgroupsPerDimension;
  const grid = gridOf(Math.ceil(count / threads), limit);
  const { source, words } = shader(grid);
  return {
    source,
    bindings: inOrder(reads, writes),
    workgroups: [grid.columns, grid.rows, 1],
    ...(words && { dimensions: { slot: DIMENSIONS_SLOT, words } }),
  };
}
