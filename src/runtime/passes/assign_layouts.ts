/**
 * Decides where the elements of every activation lie, so that as little as possible is copied:
 *
 *   parts     The parts of a concat are written where they belong, by the nodes that compute them. A concat of parts
 *             that lie side by side already, in the memory of a later one (DenseNet), is a view of these.
 *   views     What a movement only renames (flatten, a slice of channels) is a view of its input.
 *   moved     What a movement reads that is no view is written where the movement would put it (the heads of
 *             attention, side by side).
 *   layout    On CPU adapters feature maps are channel-major, so that a 1x1 convolution of any batch multiplies its
 *             input as it stands, by wide loads.
 *
 * Each of them holds only where all that write and read a tensor can do so (`OpDef.views`), and where no dispatch
 * would then bind one buffer for reading and for writing, which WebGPU refuses. Elsewhere data is copied: movements
 * and concats have kernels for that. Inputs of the graph stay dense, and so do its outputs, unless they are
 * views, which `denseOutputs` keeps them from.
 */
import { type DeviceProfile, kindOf } from '../device_profile.ts';
import type { Activation, Graph, Node, Value } from '../graph.ts';
import { MemoryLayout } from './memory_layout.ts';
import { passesOf } from './passes.ts';
import { useChannelMajor } from './use_channel_major.ts';

export function assignLayouts(graph: Graph, device: DeviceProfile, denseOutputs = false): Graph {
  const passes = passesOf(graph);
  const layout = new MemoryLayout(graph);
  passes.placeParts?.(graph, layout);
  passes.shareViews?.(graph, layout, denseOutputs);
  passes.placeMoved?.(graph, layout);
  if (kindOf(device) === 'cpu') useChannelMajor(graph, layout);
  return withLayout(graph, layout);
}

/** The graph with new values in place of those that lie elsewhere now. */
function withLayout(graph: Graph, layout: MemoryLayout): Graph {
  const values = new Map<Value, Value>();
  const current = (value: Value): Value => {
    const known = values.get(value);
    if (known) return known;
    const made = value.kind === 'activation' ? moved(value) : value;
    values.set(value, made);
    return made;
  };
  const moved = (value: Activation): Activation => {
    const root = layout.rootOf(value);
    const desc = layout.descOf(value);
    if (root === value) return desc === value.desc ? value : { ...value, desc };
    const within = current(root);
    return within.kind === 'input' || within.kind === 'activation'
      ? { ...value, desc, within }
      : value;
  };
  const nodes = graph.nodes.map((node): Node => {
    const inputs = Object.entries(node.inputs).map(
      ([role, value]) => [role, current(value)] as const,
    );
    const output = current(node.output);
    const changed =
      output !== node.output || inputs.some(([role, value]) => value !== node.inputs[role]);
    if (!changed || output.kind !== 'activation') return node;
    return { ...node, inputs: Object.fromEntries(inputs), output };
  });
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, current(value)]));
  return { ...graph, nodes, outputs };
}
