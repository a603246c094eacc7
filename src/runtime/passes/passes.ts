import { type ConcatAttributes, isPointwise, type PointwiseAttributes } from '../builtins.ts';
import type { DeviceProfile } from '../device_profile.ts';
import type { Graph, OpDef } from '../graph.ts';
import type { MemoryLayout } from './memory_layout.ts';

/**
 * What an operator brings to the preparation of graphs in which it occurs: passes that exist because of it, and
 * operators that they make nodes of. Those that `prepare` just calls have the names of its stages, which it orders.
 * A page whose model has no batch norm carries no
 * folding.
 */
export interface Passes {
  readonly pointwise?: OpDef<PointwiseAttributes>;
  readonly concat?: OpDef<ConcatAttributes>;
  readonly 'fold batch norm'?: (graph: Graph) => Graph;
  readonly 'merge movements'?: (graph: Graph) => Graph;
  readonly 'merge pointwise'?: (graph: Graph, device: DeviceProfile) => Graph;
  readonly 'fuse epilogue'?: (graph: Graph, device: DeviceProfile) => Graph;
  readonly splitLargeWeights?: (graph: Graph, passes: Passes, limit: number) => Graph;
  readonly placeParts?: (graph: Graph, layout: MemoryLayout) => void;
  readonly shareViews?: (graph: Graph, layout: MemoryLayout, denseOutputs?: boolean) => void;
}

/** Those of a graph's operators, and what `more` has; its own pointwise operator is there for passes, too. */
export function passesOf({ nodes }: Graph, more?: Pick<Passes, 'pointwise'>): Passes {
  const pointwise = nodes.find(isPointwise)?.op ?? more?.pointwise;
  return Object.assign({ pointwise }, ...nodes.map(({ op }) => op.passes));
}
