/**
 * Gives feature maps the layout that the device's kernels are fastest with: channel-major on CPU adapters, where a
 * 1x1 convolution of any batch then multiplies its input as it stands, by wide loads. NCHW elsewhere.
 *
 * A map that lies the same either way stays NCHW.
 *
 * No conversions: a map is channel-major where the layer that writes it and all layers that read it can do so, and
 * NCHW otherwise, as inputs and outputs of the graph are. Layers take a layout for each of their tensors.
 */
import type { Activation, Graph, Node, Value } from '../graph.ts';
import { consumers } from '../graph.ts';
import { type DeviceProfile, type OpTable, operatorOf } from '../operator.ts';
import { mapStrides, nchw, type TensorDesc } from '../tensor.ts';

export function assignLayout(graph: Graph, operators: OpTable, device: DeviceProfile): Graph {
  if (device.kind !== 'cpu') return graph;
  const assigned = new Map<Value, Activation>();
  for (const value of channelMajorMaps(graph, operators)) {
    const desc: TensorDesc = { ...value.desc, layout: 'channel-major' };
    const { batch } = nchw(desc.shape);
    const same = batch === 1 && mapStrides(desc).channel === mapStrides(value.desc).channel;
    if (!same) assigned.set(value, { ...value, desc });
  }
  const nodes = graph.nodes.map((node): Node => {
    if (![node.output, ...Object.values(node.inputs)].some((value) => assigned.has(value)))
      return node;
    const inputs = Object.entries(node.inputs).map(([role, value]): [string, Value] => [
      role,
      assigned.get(value) ?? value,
    ]);
    const output = assigned.get(node.output) ?? node.output;
    return { ...node, inputs: Object.fromEntries(inputs), output };
  });
  return { ...graph, nodes };
}

function channelMajorMaps(graph: Graph, operators: OpTable): readonly Activation[] {
  const readers = consumers(graph);
  const outputs = new Set(graph.outputs.values());
  const reads = (node: Node, value: Value): boolean => {
    const roles = operatorOf(operators, node).channelMajor?.reads ?? [];
    return Object.entries(node.inputs).every(
      ([role, input]) => input !== value || roles.includes(role),
    );
  };
  return graph.nodes
    .filter((node) => operatorOf(operators, node).channelMajor?.writes)
    .map(({ output }) => output)
    .filter(
      (value) =>
        !outputs.has(value) && (readers.get(value) ?? []).every((reader) => reads(reader, value)),
    );
}
