/** Has the parts of concats written where they belong. */
import { MOST_READERS } from '../bounds.ts';
import { type ConcatAttributes, isConcat } from '../builtins.ts';
import type { Graph, Node, Value } from '../graph.ts';
import type { View } from '../tensor.ts';
import type { MemoryLayout } from './memory_layout.ts';

/** The last concats first: what they join may be parts of earlier, smaller ones, too. */
export function placeParts(graph: Graph, layout: MemoryLayout): void {
  for (const node of graph.nodes.toReversed()) {
    if (!isConcat(node) || viewParts(node, layout)) continue;
    const root = layout.rootOf(node.output);
    const values = Object.values(node.inputs);
    const last = new Map(values.map((value, i) => [value, i]));
    const repeated = new Set(values.filter((value, i) => last.get(value) !== i));
    partViews(node, layout.viewOf(node.output)).forEach((view, i) => {
      const value = values[i];
      if (!value || repeated.has(value)) return;
      if (canLie(value, node, root, view, layout)) layout.place(value, root, view);
    });
  }
}

/** Where each part of a concat lies, if the whole lies under a view. */
function partViews(
  { attributes: { axis }, inputs }: Node<ConcatAttributes>,
  { offset, strides }: View,
): readonly View[] {
  let before = 0;
  return Object.values(inputs).map(({ desc }) => {
    const view = { offset: offset + before * (strides[axis] ?? 0), strides };
    before += desc.shape[axis] ?? 0;
    return view;
  });
}

function canLie(
  value: Value,
  concat: Node,
  root: Value,
  view: View,
  layout: MemoryLayout,
): boolean {
  return (
    value.kind === 'activation' &&
    layout.isFree(value) &&
    layout.readersOf(value).length <= MOST_READERS &&
    !layout.isOutput(value) &&
    // Of f16 parts of an output in f32, copies are made.
    value.desc.dtype === root.desc.dtype &&
    layout.allowsView(value, view, concat) &&
    !layout.wouldConflict(value, root, concat)
  );
}

/** Makes a concat a view of parts that lie side by side in the memory of one value; whether it could. */
function viewParts(node: Node<ConcatAttributes>, layout: MemoryLayout): boolean {
  const { output } = node;
  const values = Object.values(node.inputs);
  const [first] = values;
  if (!first || first.kind === 'weight' || first.kind === 'derived') return false;
  if (!layout.isFree(output) || layout.isOutput(output)) return false;
  const root = layout.rootOf(first);
  const view = layout.viewOf(first);
  const sideBySide = partViews(node, view).every((part, i) => {
    const value = values[i];
    return value && layout.rootOf(value) === root && liesAt(value, part, layout.viewOf(value));
  });
  if (!sideBySide || root === output || root.desc.dtype !== output.desc.dtype) return false;
  if (!layout.allowsView(output, view) || layout.readersWouldConflict(output, root)) return false;
  layout.place(output, root, view);
  return true;
}

/** Whether two views show the same elements; strides along extents of 1 say nothing. */
function liesAt({ desc }: Value, a: View, b: View): boolean {
  return (
    a.offset === b.offset &&
    desc.shape.every((extent, axis) => extent === 1 || a.strides[axis] === b.strides[axis])
  );
}
