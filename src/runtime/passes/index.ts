import type { Graph } from '../graph.ts';
import type { DeviceProfile, OpTable } from '../operator.ts';
import type { DType } from '../tensor.ts';
import { absorbViews } from './absorb_views.ts';
import { assignLayout } from './assign_layout.ts';
import { assignPrecision } from './assign_precision.ts';
import { foldBatchNorm } from './fold_batch_norm.ts';
import { fuseEpilogue } from './fuse_epilogue.ts';
import { removeUnread } from './remove_unread.ts';

/** A rewrite of a graph into one that computes the same outputs. */
export interface Pass {
  readonly name: string;
  apply(graph: Graph, operators: OpTable): Graph;
}

/** The passes that make fewer nodes, in the order in which they run. */
const passes: readonly Pass[] = [
  { name: 'remove unread nodes', apply: removeUnread },
  { name: 'fold batch norm', apply: foldBatchNorm },
  { name: 'fuse epilogue', apply: fuseEpilogue },
  { name: 'absorb views', apply: absorbViews },
];

/** All passes that lead to what runs in a precision, and on a device where one is given. */
export function passesTo(precision: DType, device?: DeviceProfile): readonly Pass[] {
  const all = [...passes];
  if (precision !== 'f32') {
    all.push({
      name: `store as ${precision}`,
      apply: (graph, operators) => assignPrecision(graph, operators, precision),
    });
  }
  if (device) {
    all.push({
      name: 'assign layout',
      apply: (graph, operators) => assignLayout(graph, operators, device),
    });
  }
  return all;
}

/** The same outputs from fewer nodes. */
export function optimize(graph: Graph, operators: OpTable): Graph {
  return passes.reduce((before, pass) => pass.apply(before, operators), graph);
}
