import { MOST_TRIED } from '../bounds.ts';
import { type DeviceProfile, largestBuffer } from '../device_profile.ts';
import { ShapeError } from '../errors.ts';
import type { Graph, Node } from '../graph.ts';
import { reshape } from '../reshape.ts';
import { byteLength, type Shape, shapesEqual } from '../tensor.ts';

/**
 * In how many equal parts a batch must run so that every tensor fits the device: 1 where it fits as a whole,
 * and where the batch cannot be cut, since its images influence one another.
 */
export function batchParts(graph: Graph, device: DeviceProfile): number {
  const tensors = [...graph.inputs, ...graph.nodes.map((node) => node.output)];
  const largest = tensors.reduce((most, { desc }) => Math.max(most, byteLength(desc)), 0);
  const least = Math.ceil(largest / largestBuffer(device));
  const batch = Math.min(commonBatch(graph), least + MOST_TRIED);
  for (let parts = Math.max(2, least); least > 1 && parts <= batch; parts++) {
    if (canCut(graph, parts)) return parts;
  }
  return 1;
}

/** Whether every tensor then has its share of the images and is else what it was: movements may name a batch. */
function canCut(graph: Graph, parts: number): boolean {
  const [batch = 0] = graph.inputs[0]?.desc.shape ?? [];
  if (batch % parts !== 0) return false;
  try {
    return cutBatch(graph, parts).nodes.every(({ output }, i) => {
      const [, ...rest] = graph.nodes[i]?.output.desc.shape ?? [];
      return shapesEqual(output.desc.shape, [batch / parts, ...rest]);
    });
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
}

/** The graph for one of so many equal parts of its batch. */
export function cutBatch(graph: Graph, parts: number): Graph {
  if (parts === 1) return graph;
  const shapes = graph.inputs.map(({ name, desc: { shape } }): [string, Shape] => {
    const [batch = 1, ...rest] = shape;
    return [name, [batch / parts, ...rest]];
  });
  return reshape(graph, Object.fromEntries(shapes));
}

/** The extent of axis 0 if it is the batch everywhere, else 0. */
function commonBatch(graph: Graph): number {
  const [batch = 0] = graph.inputs[0]?.desc.shape ?? [];
  const mixes = (node: Node): boolean => node.op.mixesBatch?.(node) ?? false;
  const whole =
    graph.inputs.every(({ desc }) => desc.shape[0] === batch) &&
    graph.nodes.every((node) => node.output.desc.shape[0] === batch && !mixes(node));
  return whole ? batch : 0;
}
