/**
 * Computes single values where they are read: what a pointwise node makes of one element, such as a scale made of the
 * largest and the least of a map, goes into the expressions that read it, if nothing else does, and the node is left
 * out. A dispatch for one element takes as long as one for thousands.
 */
import {
  type Expression,
  operand,
  operandsOf,
  sizeOf,
  substitute,
} from '../../../shaders/lib/expression.ts';
import { MOST_BUFFERS, MOST_CALLS } from '../bounds.ts';
import { isPointwise, type PointwiseAttributes } from '../builtins.ts';
import type { DeviceProfile } from '../device_profile.ts';
import { consumers, type Graph, type Node, type Value } from '../graph.ts';
import { elementCount } from '../tensor.ts';
import { removeUnread } from './remove_unread.ts';
import { sourcesOf } from './rewriter.ts';
import { roleOf } from './role_of.ts';

type Pointwise = Node<PointwiseAttributes>;

export function inlineScalars(graph: Graph, { limits }: Pick<DeviceProfile, 'limits'>): Graph {
  const mostBindings = Math.min(limits.maxStorageBuffersPerShaderStage, MOST_BUFFERS);
  const scalars = new Map<Value, Pointwise>();
  const readers = consumers(graph);
  const outputs = new Set(graph.outputs.values());
  const nodes = graph.nodes.map((node) => {
    const made = Object.values(node.inputs).reduce((reader, value) => {
      const producer = scalars.get(value);
      return (producer && inlined(reader, producer, mostBindings)) ?? reader;
    }, node);
    const { output } = made;
    const isScalar = isPointwise(made) && elementCount(output.desc.shape) === 1;
    if (isScalar && made.attributes.dtype === undefined && !outputs.has(output)) {
      const expressed = readers.get(output)?.every((reader) => isExpressed(reader, output));
      if (expressed) scalars.set(output, made);
    }
    return made;
  });
  return removeUnread({ ...graph, nodes });
}

/** Whether a node reads a value in its expression alone. */
function isExpressed(node: Node, value: Value): boolean {
  if (isPointwise(node)) return true;
  const read = new Set(node.epilogue && operandsOf(node.epilogue));
  return Object.entries(node.inputs).every(([role, input]) => input !== value || read.has(role));
}

/** The reader with the producer's expression in its own; undefined where it has none, or that would be too much. */
function inlined(reader: Node, producer: Pointwise, mostBindings: number): Node | undefined {
  const [own, prefix] = isPointwise(reader)
    ? [reader.attributes.expression, 'x']
    : [reader.epilogue, 'operand'];
  if (!own) return undefined;
  const isRead = (role: string) => reader.inputs[role] === producer.output;
  const read = new Set(operandsOf(own).filter(isRead));
  if (read.size === 0) return undefined;
  const inputs = Object.fromEntries(
    Object.entries(reader.inputs).filter(([role]) => !read.has(role)),
  );
  const expression = substitute(own, (role) =>
    read.has(role)
      ? substitute(producer.attributes.expression, (name) => {
          const input = producer.inputs[name];
          return input && operand(roleOf(inputs, prefix, input));
        })
      : undefined,
  );
  // The output is bound, too, and so is what stands in for a bias where there is none.
  const bindings = Object.keys(inputs).length + (isPointwise(reader) ? 1 : 2);
  if (sizeOf(expression) > MOST_CALLS || bindings > mostBindings) return undefined;
  return {
    ...withExpression(reader, expression),
    inputs,
    sources: [...new Set(sourcesOf(producer, reader))],
  };
}

function withExpression(node: Node, expression: Expression): Node {
  if (!isPointwise(node)) return { ...node, epilogue: expression };
  return { ...node, attributes: { ...node.attributes, expression } };
}
