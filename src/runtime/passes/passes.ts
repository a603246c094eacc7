import { type ConcatAttributes, isPointwise, type PointwiseAttributes } from '../builtins.ts';
import type { DeviceProfile } from '../device_profile.ts';
import type { Graph, OpDef } from '../graph.ts';
import type { MemoryLayout } from './memory_layout.ts';

/**
 * What an operator brings to the preparation of graphs in which it occurs: passes that exist because of it, and
 * operators that they make nodes of. `prepare` knows their order. A page whose model has no batch norm carries no
 * folding.
 */
export interface Passes {
  readonly pointwise?: OpDef<PointwiseAttributes>;
  readonly concat?: OpDef<ConcatAttributes>;
  readonly foldBatchNorm?: (graph: Graph) => Graph;
  readonly mergeMovements?: (graph: Graph) => Graph;
  readonly mergePointwise?: (graph: Graph, device: DeviceProfile) => Graph;
  readonly fuseEpilogue?: (graph: Graph, device: DeviceProfile) => Graph;
  readonly splitLargeWeights?: (graph: Graph, passes: Passes, limit: number) => Graph;
  readonly placeParts?: (graph: Graph, layout: MemoryLayout) => void;
  readonly shareViews?: (graph: Graph, layout: MemoryLayout, denseOutputs?: boolean) => void;
}

/** Those of a graph's operators, and `more`; its own pointwise operator is there for passes, too. */
export function passesOf({ nodes }: Graph, more?: Passes): Passes {
  const pointwise = nodes.find(isPointwise)?.op;
  return Object.assign({}, more, pointwise && { pointwise }, ...nodes.map(({ op }) => op.passes));
}
