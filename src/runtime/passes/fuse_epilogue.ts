/**
 * Moves a pointwise node into the node that computes one of its operands, where the kernels of that can go on with a
 * result before they store it: an activation, a residual connection, a gate. A sum of two convolutions (a block with a
 * downscaling shortcut) goes into the later of the two.
 */
import {
  apply,
  type Expression,
  operand,
  operandsOf,
  rebuild,
  sizeOf,
  substitute,
} from '../../../shaders/lib/expression.ts';
import { MOST_BUFFERS, MOST_CALLS } from '../bounds.ts';
import { isPointwise, type PointwiseAttributes } from '../builtins.ts';
import type { DeviceProfile } from '../device_profile.ts';
import { epilogueOf, operandStrides } from '../epilogue.ts';
import { type Graph, type Node, RESULT, type Value } from '../graph.ts';
import { shapesEqual } from '../tensor.ts';
import { type Rewriter, rewritten } from './rewriter.ts';
import { roleOf } from './role_of.ts';

export function fuseEpilogue(graph: Graph, { limits }: Pick<DeviceProfile, 'limits'>): Graph {
  const position = new Map(graph.nodes.map((node, i) => [node.name, i]));
  const mostBindings = Math.min(limits.maxStorageBuffersPerShaderStage, MOST_BUFFERS);
  return rewritten(graph, (rewriter, node) =>
    isPointwise(node) ? fuse(rewriter, node, position, mostBindings) : undefined,
  );
}

function fuse(
  rewriter: Rewriter,
  pointwise: Node<PointwiseAttributes>,
  position: ReadonlyMap<string, number>,
  mostBindings: number,
): Node | undefined {
  if (pointwise.attributes.dtype !== undefined) return undefined;
  const [best] = [...new Set(Object.values(pointwise.inputs))]
    .flatMap((value) => {
      const producer = rewriter.soleProducer(value);
      return producer && canFuse(producer, pointwise, value) ? [{ producer, value }] : [];
    })
    .map(({ producer, value }) => ({ producer, fused: withEpilogue(producer, pointwise, value) }))
    // A value in two roles is bound twice; so are the output, and what stands in for a bias where there is none.
    .filter(({ fused }) => Object.keys(fused.inputs).length + 2 <= mostBindings)
    .sort((a, b) => (position.get(b.producer.name) ?? 0) - (position.get(a.producer.name) ?? 0));
  return best && rewriter.replace(best.producer, pointwise, best.fused);
}

/** Operands that a kernel cannot find by image, channel and place in the plane are read by a kernel of their own. */
function canFuse(
  { op, epilogue }: Node,
  pointwise: Node<PointwiseAttributes>,
  value: Value,
): boolean {
  const { shape } = pointwise.output.desc;
  const calls = sizeOf(pointwise.attributes.expression) + (epilogue ? sizeOf(epilogue) : 0);
  const others = Object.values(pointwise.inputs).filter((input) => input !== value);
  return (
    op.fusesEpilogue === true &&
    calls <= MOST_CALLS &&
    shapesEqual(value.desc.shape, shape) &&
    others.every(({ desc }) => operandStrides(desc, shape) !== undefined)
  );
}

function withEpilogue(
  producer: Node,
  { attributes, inputs, output }: Node<PointwiseAttributes>,
  value: Value,
): Node {
  const read: Record<string, Value> = { ...producer.inputs };
  const epilogue = substitute(attributes.expression, (role) => {
    const input = inputs[role];
    if (!input || input === value) return producer.epilogue ?? operand(RESULT);
    return operand(roleOf(read, 'operand', input));
  });
  return {
    ...producer,
    epilogue: resultFirst(epilogue),
    epilogueOf,
    inputs: read,
    output,
  };
}

/** In one order, whichever the model has, so that layers alike share kernels and what tuning found. */
function resultFirst(epilogue: Expression): Expression {
  const reads = (part: Expression): boolean => operandsOf(part).includes(RESULT);
  return rebuild(epilogue, operand, (fn, args) => {
    const [a, b] = args;
    const turned = fn.commutative && a && b && reads(b) && !reads(a);
    return turned ? apply(fn, b, a) : undefined;
  });
}
