/** The layers of a prepared model that differ from one another, each as a graph of its own. */
import {
  apply,
  byteLength,
  functions,
  type Graph,
  GraphBuilder,
  type Input,
  isConstant,
  isolate,
  multiplyAdds,
  type Node,
  type Prepared,
  pointwise,
  runReference,
  syntheticTensor,
  syntheticWeights,
  type Value,
  type WeightSource,
} from '../../src/index.ts';
import { describeLayer } from './layer_text.ts';

/** A kernel in a configuration. */
export interface Choice {
  readonly kernel: string;
  readonly config: object;
}

/** One shape of layer. */
export interface LayerCase {
  /** As `--shape` takes it. */
  readonly text: string;
  /** The layers of the model that have this shape. */
  readonly names: readonly string[];
  /** What the model runs them with. */
  readonly chosen: Choice;
  /** Its activations are inputs, named by role, or copies of those; its constants are weights. */
  readonly node: Node;
  /** The node alone, and before it copies of inputs that are not dense f32; its output is `y`. */
  readonly graph: Graph;
  /** Floating-point operations; a multiply-add counts as two. */
  readonly flops: number;
  /** Inputs, weights and output, each once. */
  readonly bytes: number;
}

/**
 * The cases of a prepared model, in the order in which they first occur. What runs no kernel, and conversions at the
 * edges of a network, are none.
 */
export function layerCases({
  plan,
  origin,
}: Pick<Prepared, 'plan' | 'origin'>): readonly LayerCase[] {
  const cases = new Map<string, { readonly node: Node; chosen: Choice; names: string[] }>();
  for (const { node, kernel, config } of plan.dispatches) {
    if (origin.get(node)?.length === 0) continue;
    const key = keyOf(node);
    const known = cases.get(key) ?? { node, chosen: { kernel, config }, names: [] };
    if (!known.names.includes(node.name)) known.names.push(node.name);
    cases.set(key, known);
  }
  return [...cases.values()].map(caseOf);
}

/** Layers whose kernels do the same, though perhaps to a sum whose terms stand the other way round. */
function keyOf(node: Node): string {
  const descs = [...Object.values(node.inputs), node.output].map(({ desc }) => desc);
  return JSON.stringify([describeLayer(node), node.attributes, descs]);
}

function caseOf(found: Pick<LayerCase, 'node' | 'chosen' | 'names'>): LayerCase {
  const values = [...Object.values(found.node.inputs), found.node.output];
  return {
    text: describeLayer(found.node),
    names: found.names,
    chosen: found.chosen,
    ...alone(found.node),
    flops: 2 * multiplyAdds(found.node),
    bytes: values.reduce(
      (sum, { desc: { shape, dtype } }) => sum + byteLength({ shape, dtype }),
      0,
    ),
  };
}

/**
 * The node alone. Callers write dense f32; what it reads otherwise is copied from that by nodes of their own, which
 * are not timed.
 */
function alone(original: Node): Pick<LayerCase, 'node' | 'graph'> {
  const g = GraphBuilder.create();
  const copies: Node[] = [];
  const inputs: Input[] = [];
  const read = (role: string, value: Value): Value => {
    if (isConstant(value)) return value;
    const desc = inOwnMemory(value.desc);
    const input = g.input(role, desc.shape);
    inputs.push(input);
    if (desc.dtype === 'f32' && !desc.view) return input;
    const copy = copyOf(input, desc);
    copies.push(copy);
    return copy.output;
  };
  const { nodes, outputs, ...graph } = isolate(original);
  const node = nodes[0] ?? original;
  const output: Node['output'] = { ...node.output, desc: inOwnMemory(node.output.desc) };
  const roles = Object.entries(node.inputs).map(([role, value]) => [role, read(role, value)]);
  const measured: Node = { ...node, inputs: Object.fromEntries(roles), output };
  return {
    node: measured,
    graph: { ...graph, inputs, nodes: [...copies, measured], outputs: new Map([['y', output]]) },
  };
}

type Desc = Node['output']['desc'];

/** Of a part of another tensor, the same part in memory that ends with it. */
function inOwnMemory({ view, ...desc }: Desc): Desc {
  return view ? { ...desc, view: { ...view, offset: 0 } } : desc;
}

/** Stores an input as the node reads it. */
function copyOf(input: Input, desc: Desc): Node {
  const g = GraphBuilder.create();
  const x = g.input(input.name, input.desc.shape);
  g.output(
    'y',
    pointwise(g.at(`${input.name} as it is stored`), [x], (value = 0) =>
      apply(functions.add, value, 0),
    ),
  );
  const [copy] = g.build('copy').nodes;
  if (!copy) throw new Error(`"${input.name}" is not copied`);
  const { dtype } = desc;
  const attributes = { ...copy.attributes, ...(dtype !== 'f32' && { dtype }) };
  const inputs = Object.fromEntries(Object.keys(copy.inputs).map((role) => [role, input]));
  return { ...copy, attributes, inputs, output: { ...copy.output, desc } };
}

/** What a case is run with, and what must come out. */
export interface CaseData {
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly weights: WeightSource;
  readonly expected: Float64Array;
}

/** Between two of these lies no f16 below 2: they are the same in either type. */
const STEPS_PER_UNIT = 512;

/** Synthetic data, and the result by the reference: seconds of CPU time for a large layer. */
export function dataFor({ graph, node }: LayerCase): CaseData {
  const weights = syntheticWeights([]);
  const half = graph.nodes.some(({ output }) => output.desc.dtype === 'f16');
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, desc }) => {
      const data = syntheticTensor(name, desc.shape);
      return [name, half ? data.map((x) => Math.round(x * STEPS_PER_UNIT) / STEPS_PER_UNIT) : data];
    }),
  );
  const expected = runReference(graph, weights, inputs).get(node.output) ?? new Float64Array();
  return { inputs, weights, expected };
}
