/** Lets movements that need not move anything be views of their inputs. */
import { isRearrange, type RearrangeAttributes } from '../builtins.ts';
import type { Graph, Node } from '../graph.ts';
import { isConstant } from '../graph.ts';
import { viewOf } from '../movement/index.ts';
import { withView } from '../tensor.ts';
import type { MemoryLayout } from './memory_layout.ts';

/** With `denseOutputs`, outputs are views only where these are row-major, too. */
export function shareViews(graph: Graph, layout: MemoryLayout, denseOutputs = false): void {
  for (const node of graph.nodes) {
    if (isRearrange(node)) shareView(node, layout, denseOutputs);
  }
}

function shareView(
  node: Node<RearrangeAttributes>,
  layout: MemoryLayout,
  denseOutputs: boolean,
): void {
  const { attributes, inputs, output } = node;
  const { x } = inputs;
  if (!x || isConstant(x) || !layout.isFree(output)) return;
  const view = viewOf(attributes.steps, x.desc.shape, layout.viewOf(x));
  const root = layout.rootOf(x);
  if (!view || layout.readersWouldConflict(output, root)) return;
  if (!layout.allowsView(output, view, node)) return;
  if (denseOutputs && layout.isOutput(output) && withView(output.desc, view).view) return;
  layout.place(output, root, view);
}
