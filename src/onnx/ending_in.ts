/** A file that is read up to chosen values, and which these could be. */
import { checkArgument } from '../runtime/arguments.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import { quoted } from '../runtime/weights/messages.ts';
import { MOST_NAMED } from './bounds.ts';
import { namesFromOutside } from './schedule.ts';
import type { GraphProto, NodeProto } from './schema/fields.ts';

/**
 * A graph with other outputs, of the nodes and inputs that these depend on. Throws UnsupportedError for values that it
 * does not have, and for what is no list of names.
 */
export function endingIn(graph: GraphProto, outputs: readonly string[]): GraphProto {
  const named =
    Array.isArray(outputs) && outputs.length > 0 && outputs.every((n) => typeof n === 'string');
  checkArgument(named, 'outputs', 'an array of names, one at least', outputs, UnsupportedError);
  const { node, input, initializer, output, valueInfo } = graph;
  const there = new Set([
    ...node.flatMap((one) => one.output),
    ...[...input, ...initializer].map(({ name }) => name),
  ]);
  const missing = outputs.find((name) => name === '' || !there.has(name));
  if (missing !== undefined) {
    const own = output.slice(0, MOST_NAMED).map(({ name }) => quoted(name));
    if (output.length > MOST_NAMED) own.push('...');
    throw new UnsupportedError(
      `has no value ${quoted(missing)} to give; its outputs are ${own.join(', ')}`,
    );
  }
  const infos = new Map([...output, ...valueInfo].map((info) => [info.name, info]));
  const { nodes, names } = neededFor(node, outputs);
  return {
    ...graph,
    node: node.filter((one) => nodes.has(one)),
    input: input.filter(({ name }) => names.has(name)),
    output: [...new Set(outputs)].map((name) => infos.get(name) ?? { name }),
    valueInfo: [...valueInfo, ...output],
  };
}

/** The nodes that values depend on, and the names that these read. */
export function neededFor(
  nodes: readonly NodeProto[],
  outputs: readonly string[],
): { readonly nodes: ReadonlySet<NodeProto>; readonly names: ReadonlySet<string> } {
  const makers = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const needed = new Set<NodeProto>();
  const names = new Set(outputs);
  // A set that grows is visited to its end.
  for (const name of names) {
    const maker = makers.get(name);
    if (!maker || needed.has(maker)) continue;
    needed.add(maker);
    for (const read of readsOf(maker)) names.add(read);
  }
  return { nodes: needed, names };
}

/** The names that do not depend on nodes that are refused: of other outputs, and of what those nodes read. */
export function endsBefore(
  { node, output }: GraphProto,
  refused: ReadonlySet<NodeProto>,
): readonly string[] {
  const readers = new Map<string, NodeProto[]>();
  for (const one of node) {
    for (const name of readsOf(one)) {
      const those = readers.get(name);
      if (those) those.push(one);
      else readers.set(name, [one]);
    }
  }
  // An input that is left out has no name.
  readers.delete('');
  const lost = new Set([...refused].flatMap((one) => one.output));
  // A set that grows is visited to its end.
  for (const name of lost) {
    for (const made of (readers.get(name) ?? []).flatMap((one) => one.output)) lost.add(made);
  }
  const names = [...output.map(({ name }) => name), ...[...refused].flatMap(readsOf)];
  return [...new Set(names)].filter((name) => !lost.has(name));
}

/** What a node reads, itself and by the graphs that it holds. */
function readsOf({ input, attribute }: NodeProto): readonly string[] {
  return [...input, ...attribute.flatMap(({ g }) => (g ? namesFromOutside(g) : []))];
}
