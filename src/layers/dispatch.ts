/** One dispatch of a module that numbers its workgroups. */
import { DIMENSIONS_SLOT, type ShaderModule } from '../../shaders/lib/dimensions.ts';
import { type Grid, gridOf } from '../../shaders/lib/grid.ts';
import type { DeviceProfile } from '../runtime/device_profile.ts';
import type { Binding, KernelDispatch } from '../runtime/kernel.ts';

export function dispatchOf<R extends string>(
  device: DeviceProfile,
  workgroups: number,
  bindings: readonly Binding<R>[],
  module: (grid: Grid) => ShaderModule,
): KernelDispatch {
  const grid = gridOf(workgroups, device.limits.maxComputeWorkgroupsPerDimension);
  const { source, words, operands = [] } = module(grid);
  return {
    source,
    bindings: [...bindings, ...operands],
    workgroups: [grid.columns, grid.rows, 1],
    ...(words && { dimensions: { slot: DIMENSIONS_SLOT, words } }),
  };
}
