/** A layer by itself: to be measured, tuned or checked apart from its network. */

import { type Graph, type Input, isConstant, type Node, type Value, type Weight } from './graph.ts';
import { checkKinds } from './kinds.ts';
import { type TensorDesc, withView } from './tensor.ts';

/**
 * What two nodes have in common when the same kernels compute them, equally fast: all but names and data. The order
 * in which attributes and inputs were written does not count.
 */
export function shapeKey({ op, attributes, inputs, epilogue, output }: Node): string {
  const roles = Object.entries(inputs).map(([role, { desc }]) => [role, desc] as const);
  const { shape: _, ...stored } = output.desc;
  return JSON.stringify([op.name, attributes, Object.fromEntries(roles), epilogue, stored], sorted);
}

/** Objects with their fields in the order of their names; functions of expressions by theirs. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if ('evaluate' in value && 'name' in value) return value.name;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : Number(a > b))));
}

/**
 * The node alone; its activations are inputs and its constants weights, named by role, and its output is `y`.
 *
 * @param node - Of a graph.
 * @returns A graph of one node, to be timed or checked by itself.
 * @throws TilewiseError for what is no node.
 *
 * @example
 * const [first] = graph.nodes;
 * if (first) console.log(planFor(device, isolate(first)).dispatches.length);
 */
export function isolate(node: Node): Graph {
  checkKinds('isolate', { node });
  const alone = (role: string, value: Value): Input | Weight => ({
    kind: isConstant(value) ? 'weight' : 'input',
    name: role,
    desc: fromStart(value.desc),
  });
  const entries = Object.entries(node.inputs).map(
    ([role, value]) => [role, alone(role, value)] as const,
  );
  // Alone, it is written into memory of its own.
  const { within: _, ...written } = node.output;
  const output = { ...written, desc: fromStart(written.desc) };
  return {
    name: node.name,
    inputs: entries.map(([, value]) => value).filter((value) => value.kind === 'input'),
    nodes: [{ ...node, inputs: Object.fromEntries(entries), output }],
    outputs: new Map([['y', output]]),
  };
}

/** A part of something larger, as if that began with it. */
function fromStart(desc: TensorDesc): TensorDesc {
  return desc.view ? withView(desc, { ...desc.view, offset: 0 }) : desc;
}
