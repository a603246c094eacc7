/** Makes what is added to the output channels of a layer without a bias its bias, which its kernels add anyway. */
import { type Expression, operand, operandsOf, rebuild } from '../../../shaders/lib/expression.ts';
import { add } from '../../../shaders/lib/expression_functions.ts';
import { isPointwise, type PointwiseAttributes } from '../builtins.ts';
import { operandStrides } from '../epilogue.ts';
import { type Constant, type Graph, isConstant, type Node, type Value } from '../graph.ts';
import { elementCount } from '../tensor.ts';
import { constantAs } from './constant_as.ts';
import { type Rewriter, rewritten } from './rewriter.ts';

export function absorbBias(graph: Graph): Graph {
  return rewritten(graph, (rewriter, node) =>
    isPointwise(node) ? absorb(rewriter, node) : undefined,
  );
}

/** The node without what the layer before it adds now, or in one with it where nothing is left to do. */
function absorb(rewriter: Rewriter, node: Node<PointwiseAttributes>): Node | undefined {
  for (const value of Object.values(node.inputs)) {
    const producer = rewriter.soleProducer(value);
    const found = producer && biasOf(producer, node, value);
    if (!producer || !found) continue;
    const { bias, rest } = found;
    const layer = { ...producer, inputs: { ...producer.inputs, bias } };
    const [step, ...more] = rest.attributes.expression.steps;
    if (step?.fn === 'operand' && more.length === 0) {
      return rewriter.replace(producer, node, { ...layer, output: node.output });
    }
    rewriter.update(producer, layer);
    return rewriter.append(rest);
  }
  return undefined;
}

interface Found {
  readonly bias: Constant;
  /** What is left to do after the layer. */
  readonly rest: Node<PointwiseAttributes>;
}

/** Of `value + b`, where b is a constant and nothing else reads the value, which the producer makes. */
function biasOf(
  producer: Node,
  pointwise: Node<PointwiseAttributes>,
  value: Value,
): Found | undefined {
  const { attributes, inputs } = pointwise;
  const { expression } = attributes;
  const { op, epilogue } = producer;
  if (op.channelAxis === undefined || producer.inputs.bias || epilogue) return undefined;
  const [role, ...others] = Object.keys(inputs).filter((name) => inputs[name] === value);
  if (role === undefined || others.length > 0 || readsOf(expression, role) !== 1) return undefined;
  let bias: Constant | undefined;
  const left = rebuild(expression, operand, (fn, args) => {
    const names = args.map(({ steps: [step, ...more] }) =>
      step?.fn === 'operand' && more.length === 0 ? step.name : undefined,
    );
    const other = inputs[names.find((name) => name !== role) ?? ''];
    // One only: what is left of `(value + b) + c` reads as `value + c` by now.
    if (bias || fn !== add || !names.includes(role)) return undefined;
    if (!other || !isBias(other, producer)) return undefined;
    bias = other;
    return operand(role);
  });
  if (!bias) return undefined;
  const read = new Set(operandsOf(left));
  const { shape } = bias.desc;
  const rest = {
    ...pointwise,
    attributes: { ...attributes, expression: left },
    inputs: Object.fromEntries(Object.entries(inputs).filter(([name]) => read.has(name))),
  };
  return { bias: shape.length === 1 ? bias : constantAs(bias, [elementCount(shape)]), rest };
}

/** How many steps read an operand. */
function readsOf({ steps }: Expression, name: string): number {
  const at = steps.findIndex((step) => step.fn === 'operand' && step.name === name);
  return steps.filter((step) => 'args' in step && step.args.includes(at)).length;
}

/** One for each output channel. */
function isBias(value: Value, { output }: Node): value is Constant {
  const { shape } = output.desc;
  if (!isConstant(value) || elementCount(value.desc.shape) !== shape[1]) return false;
  const strides = operandStrides(value.desc, shape);
  return strides?.channel === 1 && strides.place === 0;
}
