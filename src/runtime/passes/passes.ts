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
  /** The operator that passes make nodes of elementwise functions of. */
  readonly pointwise?: OpDef<PointwiseAttributes>;
  /** The operator by which parts of a layer are put together again. */
  readonly concat?: OpDef<ConcatAttributes>;
  /** Puts batch norms into the weights of the convolutions and linear layers beside them. */
  readonly 'fold batch norm'?: (graph: Graph) => Graph;
  /** Makes one movement of several that follow one another. */
  readonly 'merge movements'?: (graph: Graph) => Graph;
  /** Has nodes compute before a transposition of what they read. */
  readonly 'sink transposes'?: (graph: Graph) => Graph;
  /** Has convolutions pad what was padded for them. */
  readonly 'absorb padding'?: (graph: Graph) => Graph;
  /** Makes one pointwise node of several that read one another. */
  readonly 'merge pointwise'?: (graph: Graph, device: DeviceProfile) => Graph;
  /** Has pointwise nodes compute before a reshape of what they read. */
  readonly 'sink reshapes'?: (graph: Graph, device: DeviceProfile) => Graph;
  /** Has products of matrices multiply by what a matrix was multiplied by before. */
  readonly 'fold factors'?: (graph: Graph) => Graph;
  /** Has layers do what constants do to their output channels. */
  readonly 'absorb affine'?: (graph: Graph) => Graph;
  /** Makes pointwise nodes the epilogues of the layers before them. */
  readonly 'fuse epilogue'?: (graph: Graph, device: DeviceProfile) => Graph;
  /** Has what single values are made of computed where they are read. */
  readonly 'inline scalars'?: (graph: Graph, device: DeviceProfile) => Graph;
  /** Has convolutions of maps of one pixel computed as linear layers. */
  readonly 'one pixel as linear'?: (graph: Graph) => Graph;
  /** Cuts linear layers whose weights take more bytes than the limit into parts. */
  readonly splitLargeWeights?: (graph: Graph, passes: Passes, limit: number) => Graph;
  /** Puts the parts of a concat where they belong, in the memory of the whole. */
  readonly placeParts?: (graph: Graph, layout: MemoryLayout) => void;
  /** Has what movements read written where they would put it. */
  readonly placeMoved?: (graph: Graph, layout: MemoryLayout) => void;
  /** Makes views of movements that only rename elements. */
  readonly shareViews?: (graph: Graph, layout: MemoryLayout, denseOutputs?: boolean) => void;
}

/** Those of a graph's operators, and what `more` has; its own pointwise operator is there for passes, too. */
export function passesOf({ nodes }: Graph, more?: Pick<Passes, 'pointwise'>): Passes {
  const pointwise = nodes.find(isPointwise)?.op ?? more?.pointwise;
  return Object.assign({ pointwise }, ...nodes.map(({ op }) => op.passes));
}
