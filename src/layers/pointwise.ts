/** What kernels that give each element, or each output, its own invocation have in common. */
import { type Grid, gridOf } from '../../shaders/lib/grid.ts';
import type { Node } from '../runtime/graph.ts';
import type { DeviceProfile, KernelDef, Lowering, Repack } from '../runtime/operator.ts';
import { inOrder } from './bindings.ts';

/** Such a kernel has nothing to tune. */
export type NoConfig = Readonly<Record<string, never>>;

export interface PointwiseKernel {
  /** The module; where an input is written over, `overwritten` is its role. */
  readonly source: (grid: Grid, overwritten: string | undefined) => string;
  /** Workgroups needed. */
  readonly tiles: number;
  /** Roles of the inputs, in the order of their bindings; `null` leaves a slot out. `y` follows. */
  readonly reads: readonly (string | null)[];
  readonly repack?: Readonly<Record<string, Repack>>;
  /** Roles of the inputs that may be written over; none by default. */
  readonly overwrites?: readonly string[];
}

/** A kernel of one dispatch without configurations. */
export function pointwiseKernel<A extends object>(
  name: string,
  describeNode: (node: Node<A>) => PointwiseKernel,
): KernelDef<A, NoConfig> {
  return {
    name,
    supports: () => true,
    configs: () => [{}],
    overwrites: (node) => describeNode(node).overwrites ?? [],
    lower: (node, _config, device, overwritten) =>
      lowerPointwise(describeNode(node), device, overwritten),
  };
}

function lowerPointwise(
  kernel: PointwiseKernel,
  device: DeviceProfile,
  overwritten: string | undefined,
): Lowering {
  const grid = gridOf(kernel.tiles, device.limits.maxComputeWorkgroupsPerDimension);
  // What is written over is bound once, as `y`.
  const reads = kernel.reads.map((value) => (value === overwritten ? null : value));
  const dispatch = {
    source: kernel.source(grid, overwritten),
    bindings: inOrder(reads, 'y'),
    workgroups: [grid.columns, grid.rows, 1] as const,
  };
  return { dispatches: [dispatch], ...(kernel.repack && { repack: kernel.repack }) };
}
