/** Makes one node of two neighbours that move data, where one affine map does what both did. */
import { MOST_STEPS } from '../bounds.ts';
import { isRearrange, type RearrangeAttributes } from '../builtins.ts';
import type { Graph, Node } from '../graph.ts';
import { indexMapOf } from '../movement/index.ts';
import { type Rewriter, rewritten } from './rewriter.ts';

export function mergeMovements(graph: Graph): Graph {
  return rewritten(graph, (rewriter, node) =>
    isRearrange(node) ? merge(rewriter, node) : undefined,
  );
}

function merge(rewriter: Rewriter, second: Node<RearrangeAttributes>): Node | undefined {
  const between = second.inputs.x;
  const first = between && rewriter.soleProducer(between);
  if (!first || !isRearrange(first)) return undefined;
  const steps = [...first.attributes.steps, ...second.attributes.steps];
  const from = first.inputs.x?.desc.shape ?? [];
  if (steps.length > MOST_STEPS || !indexMapOf(steps, from)) return undefined;
  const { output } = second;
  return rewriter.replace(first, second, { ...first, attributes: { steps }, output });
}
