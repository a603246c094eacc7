/** Has what a movement reads written where the movement would put it, so that nothing is left to move. */
import { MOST_READERS } from '../bounds.ts';
import { isRearrange, type RearrangeAttributes } from '../builtins.ts';
import type { Graph, Node } from '../graph.ts';
import { viewBefore } from '../movement/index.ts';
import type { MemoryLayout } from './memory_layout.ts';

/** The last movements first: what they make may be moved by others before. */
export function placeMoved(graph: Graph, layout: MemoryLayout): void {
  for (const node of graph.nodes.toReversed()) if (isRearrange(node)) placeInput(node, layout);
}

function placeInput(node: Node<RearrangeAttributes>, layout: MemoryLayout): void {
  const { attributes, inputs, output } = node;
  const { x } = inputs;
  if (x?.kind !== 'activation' || !layout.isFree(x) || layout.isOutput(x)) return;
  const root = layout.rootOf(output);
  if (root === x || x.desc.dtype !== root.desc.dtype) return;
  if (layout.readersOf(x).length > MOST_READERS) return;
  const view = viewBefore(attributes.steps, x.desc.shape, layout.viewOf(output));
  // Elements that lie side by side are written so: by whole vectors, or by neighbouring invocations.
  const innermost = x.desc.shape.findLastIndex((extent) => extent > 1);
  if (!view || (innermost >= 0 && view.strides[innermost] !== 1)) return;
  if (!layout.allowsView(x, view, node) || layout.wouldConflict(x, root, node)) return;
  layout.place(x, root, view);
}
