import { UnsupportedError } from './errors.ts';
import type { Graph, Value } from './graph.ts';
import { checkKinds } from './kinds.ts';

/**
 * The same graph with the named inputs and layers among its outputs, each under its own name: for looking into a
 * network. What is observed is computed as it stands, and stays in memory until the end of a run.
 *
 * @param graph - Any; it stays as it is.
 * @param names - Of inputs and layers.
 * @throws UnsupportedError for a name that the graph does not have.
 *
 * @example
 * const watched = observe(graph, ['conv1', 'relu2']);
 * using watching = await createSession(device, watched, { weights });
 * const { conv1, relu2, logits } = await watching.run(pixels);
 */
export function observe(graph: Graph, names: Iterable<string>): Graph {
  checkKinds('observe', { graph, names });
  const values = new Map<string, Value>([
    ...graph.inputs.map((input) => [input.name, input] as const),
    ...graph.nodes.map(({ name, output }) => [name, output] as const),
  ]);
  const outputs = new Map(graph.outputs);
  for (const name of names) {
    const value = values.get(name);
    if (!value) {
      throw new UnsupportedError(
        `"${graph.name}" has no layer "${name}"; it has ${[...values.keys()].join(', ')}`,
      );
    }
    outputs.set(name, value);
  }
  return { ...graph, outputs };
}
