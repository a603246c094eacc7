/**
 * Moves a residual add and a ReLU into the node before them, where its kernels can do both before they
 * store. A sum of two convolutions (a block with a downscaling shortcut) goes into the later of the two.
 */
import type { Graph, Node } from '../graph.ts';
import { type Epilogue, type OpTable, operatorOf } from '../operator.ts';
import { Rewriter } from './rewriter.ts';

export function fuseEpilogue(graph: Graph, operators: OpTable): Graph {
  const rewriter = new Rewriter(graph);
  const position = new Map(graph.nodes.map((node, i) => [node.name, i]));
  for (const node of graph.nodes) {
    const fused =
      node.op === 'relu'
        ? fuseRelu(rewriter, operators, node)
        : node.op === 'add'
          ? fuseAdd(rewriter, operators, node, position)
          : undefined;
    if (!fused) rewriter.append(node);
  }
  return rewriter.finish();
}

function fuseRelu(rewriter: Rewriter, operators: OpTable, relu: Node): Node | undefined {
  const { x } = relu.inputs;
  const producer = x && rewriter.soleProducer(x);
  if (!producer || !canFuse(operators, producer, 'relu')) return undefined;
  return rewriter.replace(producer, {
    ...producer,
    attributes: { ...producer.attributes, activation: 'relu' },
    output: relu.output,
  });
}

function fuseAdd(
  rewriter: Rewriter,
  operators: OpTable,
  add: Node,
  position: ReadonlyMap<string, number>,
): Node | undefined {
  const { a, b } = add.inputs;
  if (!a || !b || a === b) return undefined;
  const sides = [
    { producer: rewriter.soleProducer(a), residual: b },
    { producer: rewriter.soleProducer(b), residual: a },
  ];
  const [best] = sides
    .flatMap(({ producer, residual }) =>
      producer && canFuse(operators, producer, 'residual') ? [{ producer, residual }] : [],
    )
    .sort((s, t) => (position.get(t.producer.name) ?? 0) - (position.get(s.producer.name) ?? 0));
  if (!best) return undefined;
  return rewriter.replace(best.producer, {
    ...best.producer,
    attributes: { ...best.producer.attributes, ...add.attributes },
    inputs: { ...best.producer.inputs, residual: best.residual },
    output: add.output,
  });
}

/** The epilogue runs in one order, residual then activation; what is there already must not come later. */
function canFuse(operators: OpTable, node: Node, part: 'residual' | 'relu'): boolean {
  const { activation } = node.attributes as Epilogue;
  const taken = activation !== undefined || (part === 'residual' && 'residual' in node.inputs);
  return !taken && (operatorOf(operators, node).fuses?.includes(part) ?? false);
}
