/** A layer by itself: to be measured, tuned or checked apart from its network. */
import { type Graph, type Input, isConstant, type Node, type Value, type Weight } from './graph.ts';

/** What two nodes have in common when the same kernels compute them, equally fast: all but names and data. */
export function shapeKey({ op, attributes, inputs, output }: Node): string {
  const roles = Object.entries(inputs).map(([role, { desc }]) => [role, desc]);
  return JSON.stringify([op, attributes, roles, output.desc.layout]);
}

/** The node alone; its activations are inputs and its constants weights, named by role, and its output is `y`. */
export function isolate(node: Node): Graph {
  const alone = (role: string, value: Value): Input | Weight => ({
    kind: isConstant(value) ? 'weight' : 'input',
    name: role,
    desc: value.desc,
  });
  const entries = Object.entries(node.inputs).map(
    ([role, value]) => [role, alone(role, value)] as const,
  );
  return {
    name: node.name,
    inputs: entries.map(([, value]) => value).filter((value) => value.kind === 'input'),
    nodes: [{ ...node, inputs: Object.fromEntries(entries) }],
    outputs: new Map([['y', node.output]]),
  };
}
