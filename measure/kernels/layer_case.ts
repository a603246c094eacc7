/** The layers of a graph that differ from one another, each as a graph of its own. */
import {
  byteLength,
  type Graph,
  isolate,
  multiplyAdds,
  type Node,
  operators,
  runReference,
  shapeKey,
  syntheticTensor,
  syntheticWeights,
  type WeightSource,
} from '../../src/index.ts';
import { describeLayer } from './layer_text.ts';

/** One shape of layer. */
export interface LayerCase {
  /** As `--shape` takes it. */
  readonly text: string;
  /** The layers of the model that have this shape. */
  readonly names: readonly string[];
  readonly node: Node;
  /** The node alone; its activations are inputs, named by role, and its output is `y`. */
  readonly graph: Graph;
  /** Floating-point operations; a multiply-add counts as two. */
  readonly flops: number;
  /** Inputs, weights and output, each once. */
  readonly bytes: number;
}

/**
 * The cases of an optimised graph, in the order in which they first occur. Views and conversions at a network's
 * edges compute nothing, and are none.
 */
export function layerCases(graph: Graph): readonly LayerCase[] {
  const nodesByShape = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    if (operators.get(node.op)?.isView || node.op === 'convert') continue;
    const key = shapeKey(node);
    nodesByShape.set(key, [...(nodesByShape.get(key) ?? []), node]);
  }
  return [...nodesByShape.values()].flatMap((nodes) => (nodes[0] ? [caseOf(nodes[0], nodes)] : []));
}

function caseOf(node: Node, alike: readonly Node[]): LayerCase {
  const graph = isolate(node);
  const values = [...Object.values(node.inputs), node.output];
  return {
    text: describeLayer(node),
    names: alike.map(({ name }) => name),
    node,
    graph,
    flops: 2 * multiplyAdds(node),
    bytes: values.reduce((sum, { desc }) => sum + byteLength(desc), 0),
  };
}

/** What a case is run with, and what must come out. */
export interface CaseData {
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly weights: WeightSource;
  readonly expected: Float64Array;
}

/** Synthetic data, and the result by the reference: seconds of CPU time for a large layer. */
export function dataFor({ graph, node }: LayerCase): CaseData {
  const weights = syntheticWeights([]);
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, desc }) => [name, syntheticTensor(name, desc.shape)]),
  );
  const expected = runReference(graph, weights, inputs).get(node.output) ?? new Float64Array();
  return { inputs, weights, expected };
}
