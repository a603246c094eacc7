import type { Graph } from '../graph.ts';
import type { OpTable } from '../operator.ts';
import { absorbViews } from './absorb_views.ts';
import { foldBatchNorm } from './fold_batch_norm.ts';
import { fuseEpilogue } from './fuse_epilogue.ts';
import { removeUnread } from './remove_unread.ts';

/** A rewrite of a graph into one that computes the same outputs. */
export interface Pass {
  readonly name: string;
  apply(graph: Graph, operators: OpTable): Graph;
}

/** All passes, in the order in which they run. */
export const passes: readonly Pass[] = [
  { name: 'remove unread nodes', apply: removeUnread },
  { name: 'fold batch norm', apply: foldBatchNorm },
  { name: 'fuse epilogue', apply: fuseEpilogue },
  { name: 'absorb views', apply: absorbViews },
];

/** The graph after all passes: the same outputs from fewer nodes. */
export function optimize(graph: Graph, operators: OpTable): Graph {
  return passes.reduce((before, pass) => pass.apply(before, operators), graph);
}
