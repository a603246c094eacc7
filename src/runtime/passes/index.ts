import type { Graph } from '../graph.ts';
import type { OpTable } from '../operator.ts';
import { foldBatchNorm } from './fold_batch_norm.ts';
import { fuseEpilogue } from './fuse_epilogue.ts';
import { removeUnread } from './remove_unread.ts';

/** All graph rewrites, in order. The result computes the same outputs with fewer nodes. */
export function optimize(graph: Graph, operators: OpTable): Graph {
  return fuseEpilogue(foldBatchNorm(removeUnread(graph)), operators);
}
