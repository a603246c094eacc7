/** Lets movements that need not move anything be views of their inputs. */
import { isRearrange, type RearrangeAttributes } from '../builtins.ts';
import type { Graph, Node } from '../graph.ts';
import { isConstant } from '../graph.ts';
import { viewOf } from '../movement/index.ts';
import type { MemoryLayout } from './memory_layout.ts';

export function shareViews(graph: Graph, layout: MemoryLayout): void {
  for (const node of graph.nodes) {
    if (isRearrange(node)) shareView(node, layout);
  }
}

function shareView(
  { attributes, inputs, output }: Node<RearrangeAttributes>,
  layout: MemoryLayout,
): void {
  const { x } = inputs;
  if (!x || isConstant(x) || layout.isPlaced(output)) return;
  // It is a root of parts already, which are written there.
  if (layout.membersOf(output).length > 1) return;
  const view = viewOf(attributes.steps, x.desc.shape, layout.viewOf(x));
  const root = layout.rootOf(x);
  if (!view || layout.readersWouldConflict(output, root) || !layout.allowsView(output, view))
    return;
  layout.place(output, root, view);
}
