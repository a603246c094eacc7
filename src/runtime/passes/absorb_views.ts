/**
 * Lets a node write what a view (flatten) behind it would only rename, where its kernels do not care for
 * the shape of their output. Elsewhere views stay in the graph, and cost nothing either: nothing runs.
 */
import type { Graph, Node } from '../graph.ts';
import { type OpTable, operatorOf } from '../operator.ts';
import { Rewriter } from './rewriter.ts';

export function absorbViews(graph: Graph, operators: OpTable): Graph {
  const rewriter = new Rewriter(graph);
  for (const node of graph.nodes) {
    if (!absorb(rewriter, operators, node)) rewriter.append(node);
  }
  return rewriter.finish();
}

function absorb(rewriter: Rewriter, operators: OpTable, view: Node): Node | undefined {
  if (!operatorOf(operators, view).isView) return undefined;
  const [viewed] = Object.values(view.inputs);
  const producer = viewed && rewriter.soleProducer(viewed);
  if (!producer || !operatorOf(operators, producer).writesAnyShape) return undefined;
  return rewriter.replace(producer, { ...producer, output: view.output });
}
