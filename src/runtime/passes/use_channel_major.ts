/** Gives feature maps the layout whose channels are rows of a matrix; a map that lies the same either way keeps its. */
import type { Graph, Value } from '../graph.ts';
import { channelMajor, nchw, type View } from '../tensor.ts';
import type { MemoryLayout } from './memory_layout.ts';

export function useChannelMajor(graph: Graph, layout: MemoryLayout): void {
  const roots = new Set(graph.nodes.map(({ output }) => layout.rootOf(output)));
  for (const root of roots) {
    if (root.kind !== 'activation' || root.desc.shape.length !== 4 || isSame(root)) continue;
    const places = layout
      .membersOf(root)
      .map((value) => [value, viewIn(root, value, layout)] as const);
    const all = places.every(
      ([value, view]) => view && !layout.isOutput(value) && layout.allowsView(value, view),
    );
    if (!all) continue;
    for (const [value, view] of places) if (view) layout.place(value, root, view);
  }
}

/** A column, of one pixel of one image, would be all padding, and no row of it is read by wide loads. */
function isSame({ desc }: Value): boolean {
  const { batch, height, width } = nchw(desc.shape);
  const plane = height * width;
  return batch === 1 && (plane === 1 || plane % 4 === 0);
}

/** A member of the root's memory with the root channel-major; undefined unless it is some of its channels. */
function viewIn(root: Value, value: Value, layout: MemoryLayout): View | undefined {
  const [batch = 1, channels = 1, height = 1, width = 1] = root.desc.shape;
  const { shape } = value.desc;
  const { offset, strides } = layout.viewOf(value);
  const plane = height * width;
  const dense = [channels * plane, plane, width, 1];
  const alike =
    shape.length === 4 &&
    shape.every((extent, axis) => axis === 1 || extent === root.desc.shape[axis]) &&
    shape.every((extent, axis) => extent === 1 || strides[axis] === dense[axis]);
  if (!alike || offset % plane !== 0 || offset >= channels * plane) return undefined;
  const whole = channelMajor([batch, channels, height, width]);
  return { offset: (offset / plane) * (whole.strides[1] ?? 0), strides: whole.strides };
}
