/**
 * Makes one node of chains and trees of pointwise nodes: an operand that only this node reads, and that is as large as
 * its output, is computed where it is read. One that is smaller and repeats would be computed over and over; it stays
 * a node, or the epilogue of one.
 */
import { operand, sizeOf, substitute } from '../../../shaders/lib/expression.ts';
import { MOST_BUFFERS, MOST_CALLS } from '../bounds.ts';
import { isPointwise, type PointwiseAttributes } from '../builtins.ts';
import type { DeviceProfile } from '../device_profile.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { shapesEqual } from '../tensor.ts';
import { Rewriter } from './rewriter.ts';
import { roleOf } from './role_of.ts';

export function mergePointwise(graph: Graph, { limits }: Pick<DeviceProfile, 'limits'>): Graph {
  // The output is bound, too.
  const mostOperands = Math.min(limits.maxStorageBuffersPerShaderStage, MOST_BUFFERS) - 1;
  const rewriter = new Rewriter(graph);
  for (const node of graph.nodes) {
    let reader: Node | undefined = rewriter.append(node);
    while (reader && isPointwise(reader)) reader = mergeOne(rewriter, reader, mostOperands);
  }
  return rewriter.finish();
}

/** The node with one of its operands' producers in it; undefined where there is none such. */
function mergeOne(
  rewriter: Rewriter,
  reader: Node<PointwiseAttributes>,
  mostOperands: number,
): Node | undefined {
  for (const value of new Set(Object.values(reader.inputs))) {
    const producer = rewriter.soleProducer(value);
    if (!producer || !isPointwise(producer) || producer.attributes.dtype !== undefined) continue;
    if (!shapesEqual(value.desc.shape, reader.output.desc.shape)) continue;
    // Before they are joined, which takes the longer the more there are.
    if (callsOf(producer) + callsOf(reader) > MOST_CALLS) continue;
    const merged = joined(producer, reader, value);
    if (Object.keys(merged.inputs).length <= mostOperands) {
      return rewriter.replace(producer, reader, merged);
    }
  }
  return undefined;
}

function callsOf({ attributes }: Node<PointwiseAttributes>): number {
  return sizeOf(attributes.expression);
}

/** The reader with the producer's expression in place of an operand: that one's names stay, and each value has one. */
function joined(
  producer: Node<PointwiseAttributes>,
  reader: Node<PointwiseAttributes>,
  value: Value,
): Node<PointwiseAttributes> {
  const inputs: Record<string, Value> = { ...producer.inputs };
  const expression = substitute(reader.attributes.expression, (role) => {
    const input = reader.inputs[role];
    if (!input || input === value) return input && producer.attributes.expression;
    return operand(roleOf(inputs, 'x', input));
  });
  return { ...reader, attributes: { ...reader.attributes, expression }, inputs };
}
