/**
 * Has the weights and the bias of a layer do what constants do to its output channels: add, subtract, multiply, divide.
 * Its kernels multiply and add anyway. Frameworks that export a batch norm step by step write four of these.
 */
import {
  type ExpressionFunction,
  isCall,
  operand,
  operandsOf,
  rebuild,
} from '../../../shaders/lib/expression.ts';
import { add, div, mul, sub } from '../../../shaders/lib/expression_functions.ts';
import { MOST_FOLDED } from '../bounds.ts';
import { isPointwise, type PointwiseAttributes } from '../builtins.ts';
import { operandStrides } from '../epilogue.ts';
import { type Constant, type Graph, isConstant, type Node, type Value } from '../graph.ts';
import { elementCount } from '../tensor.ts';
import { constantAs } from './constant_as.ts';
import { type ChannelAffine, foldIntoLayer } from './fold_into_layer.ts';
import { type Rewriter, rewritten } from './rewriter.ts';

export function absorbAffine(graph: Graph): Graph {
  return rewritten(graph, (rewriter, node) =>
    isPointwise(node) ? absorb(rewriter, node) : undefined,
  );
}

/** The node without what the layer before it does now, or in one with it where nothing is left to do. */
function absorb(rewriter: Rewriter, node: Node<PointwiseAttributes>): Node | undefined {
  for (const [role, value] of Object.entries(node.inputs)) {
    const layer = rewriter.soleProducer(value);
    if (
      layer?.op.channelAxis === undefined ||
      layer.epilogue ||
      (layer.sources?.length ?? 1) > MOST_FOLDED
    )
      continue;
    const steps = stepsOn(role, node, layer);
    const inputs = steps.length > 0 ? inputsWith(steps, layer, node.name) : undefined;
    if (!inputs) continue;
    const rest = without(steps.length, role, node);
    const [step, ...more] = rest.attributes.expression.steps;
    if (step?.fn === 'operand' && more.length === 0) {
      return rewriter.replace(layer, node, { ...layer, inputs, output: node.output });
    }
    rewriter.update(layer, { ...layer, inputs });
    return rewriter.append(rest);
  }
  return undefined;
}

/** `value + constant`, say, of each output channel. */
interface ChannelStep {
  readonly fn: ExpressionFunction;
  readonly constant: Constant;
}

const SHIFTS: ReadonlySet<ExpressionFunction> = new Set([add, sub]);
const FACTORS: ReadonlySet<ExpressionFunction> = new Set([mul, div]);

/**
 * What a node does first with a value that it reads, one step after the other, as far as weights can do it, up to the
 * last sum. Factors at the end are no batch norm's, which stay near 1: gates of residuals are factors of 1e-6, by which
 * weights would become too small for f16.
 */
function stepsOn(
  role: string,
  { inputs, attributes }: Node<PointwiseAttributes>,
  layer: Node,
): readonly ChannelStep[] {
  const { steps } = attributes.expression;
  const roles = Object.keys(inputs).filter((name) => inputs[name] === inputs[role]);
  const found: ChannelStep[] = [];
  let at = steps.findIndex((step) => step.fn === 'operand' && step.name === role);
  while (roles.length === 1) {
    const [reader, ...others] = steps.flatMap((step, i) =>
      isCall(step) && step.args.includes(at) ? [i] : [],
    );
    const step = steps[reader ?? -1];
    if (reader === undefined || !step || !isCall(step) || others.length > 0) break;
    const { fn, args } = step;
    if (!SHIFTS.has(fn) && !FACTORS.has(fn)) break;
    const other = steps[args.find((arg) => arg !== at) ?? -1];
    const constant = other?.fn === 'operand' ? inputs[other.name] : undefined;
    if (!constant || !isPerChannel(constant, layer)) break;
    if (args[0] !== at && !fn.commutative) break;
    found.push({ fn, constant });
    at = reader;
  }
  return found.slice(0, found.findLastIndex(({ fn }) => SHIFTS.has(fn)) + 1);
}

/** One for each output channel. */
function isPerChannel(value: Value, { output }: Node): value is Constant {
  const { shape } = output.desc;
  if (!isConstant(value) || elementCount(value.desc.shape) !== shape[1]) return false;
  const strides = operandStrides(value.desc, shape);
  return strides?.channel === 1 && strides.place === 0;
}

/** Those of the layer, with the steps in its weight and bias; undefined where these cannot have them. */
function inputsWith(
  steps: readonly ChannelStep[],
  layer: Node,
  name: string,
): Node['inputs'] | undefined {
  const [{ constant, fn } = {}, ...more] = steps;
  if (constant && fn === add && more.length === 0 && !layer.inputs.bias) {
    const { shape } = constant.desc;
    const bias = shape.length === 1 ? constant : constantAs(constant, [elementCount(shape)]);
    return { ...layer.inputs, bias };
  }
  const scales = steps.some((step) => FACTORS.has(step.fn));
  const affine: ChannelAffine = {
    name,
    constants: steps.map((step) => step.constant),
    moved: (data, o, bias) =>
      steps.reduce((value, step, i) => step.fn.evaluate(value, data[i]?.[o] ?? 0), bias),
    ...(scales && {
      scale: (data, o) =>
        steps.reduce(
          (value, step, i) =>
            FACTORS.has(step.fn) ? step.fn.evaluate(value, data[i]?.[o] ?? 0) : value,
          1,
        ),
    }),
  };
  return foldIntoLayer(layer, affine);
}

/** The node without its first steps on an operand, and without what only these read. */
function without(
  count: number,
  role: string,
  node: Node<PointwiseAttributes>,
): Node<PointwiseAttributes> {
  const { attributes, inputs } = node;
  let left = count;
  const expression = rebuild(attributes.expression, operand, (_, args) => {
    const reads = args.some(({ steps: [step, ...more] }) => {
      return step?.fn === 'operand' && step.name === role && more.length === 0;
    });
    if (!reads || left === 0) return undefined;
    left--;
    return operand(role);
  });
  const read = new Set(operandsOf(expression));
  return {
    ...node,
    attributes: { ...attributes, expression },
    inputs: Object.fromEntries(Object.entries(inputs).filter(([name]) => read.has(name))),
  };
}
