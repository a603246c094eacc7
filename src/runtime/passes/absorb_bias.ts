/** Makes what is added to the output channels of a layer without a bias its bias, which its kernels add anyway. */
import { type Expression, operand, operandsOf, rebuild } from '../../../shaders/lib/expression.ts';
import { add } from '../../../shaders/lib/expression_functions.ts';
import type { PointwiseAttributes } from '../builtins.ts';
import { operandStrides } from '../epilogue.ts';
import { type Constant, isConstant, type Node, type Value } from '../graph.ts';
import { elementCount } from '../tensor.ts';
import { constantAs } from './constant_as.ts';

/** A layer, and what is left to do after it. */
export interface Absorbed {
  readonly producer: Node;
  readonly pointwise: Node<PointwiseAttributes>;
}

/** Of `value + b`, where b is a constant and nothing else reads the value, which the producer makes. */
export function absorbBias(
  producer: Node,
  pointwise: Node<PointwiseAttributes>,
  value: Value,
): Absorbed {
  const { attributes, inputs } = pointwise;
  const { expression } = attributes;
  const given = { producer, pointwise };
  const { op, epilogue } = producer;
  if (op.channelAxis === undefined || producer.inputs.bias || epilogue) return given;
  const [role, ...others] = Object.keys(inputs).filter((name) => inputs[name] === value);
  if (role === undefined || others.length > 0 || readsOf(expression, role) !== 1) return given;
  let bias: Constant | undefined;
  const rest = rebuild(expression, operand, (fn, args) => {
    const names = args.map(({ steps: [step, ...more] }) =>
      step?.fn === 'operand' && more.length === 0 ? step.name : undefined,
    );
    if (fn !== add || !names.includes(role)) return undefined;
    const other = inputs[names.find((name) => name !== role) ?? ''];
    if (!other || !isBias(other, producer)) return undefined;
    bias = other;
    return operand(role);
  });
  if (!bias) return given;
  const read = new Set(operandsOf(rest));
  return {
    producer: {
      ...producer,
      inputs: {
        ...producer.inputs,
        bias:
          bias.desc.shape.length === 1 ? bias : constantAs(bias, [elementCount(bias.desc.shape)]),
      },
    },
    pointwise: {
      ...pointwise,
      attributes: { ...attributes, expression: rest },
      inputs: Object.fromEntries(Object.entries(inputs).filter(([name]) => read.has(name))),
    },
  };
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
