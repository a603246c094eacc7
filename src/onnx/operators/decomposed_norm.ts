/**
 * Normalisations by statistics of the input, as exporters write them where ONNX has no operator for them, or had none:
 *
 *     mean = ReduceMean(x); rest = x - mean; y = rest / sqrt(ReduceMean(rest^2) + epsilon)
 *
 * When the last of these nodes is read, those before it are in the graph: they are followed back to x. The nodes that
 * the normalisation stands for stay, for others that may read them; a graph that is planned loses what nothing reads.
 */
import { type ExpressionFunction, isCall } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { adaptiveAveragePool2dOp } from '../../layers/adaptive_average_pool2d.ts';
import { type NormalizeAttributes, normalize } from '../../layers/normalize.ts';
import { type ReduceAttributes, reduceOp } from '../../layers/reduce.ts';
import { isPointwise } from '../../runtime/builtins.ts';
import type { Node, Value } from '../../runtime/graph.ts';
import type { ImportCall, Operand } from '../import_node.ts';
import { numberOf } from '../import_node.ts';

/** What a function of an expression is called with. */
type Argument = Value | number;

/** The normalisation that a division completes; undefined for any other. */
export function normOfQuotient(call: ImportCall): Value | undefined {
  const [a, b] = call.inputs.map(argumentOf);
  if (a === undefined || b === undefined) return undefined;
  return normalized(call, a, deviationSquared(call, b));
}

/** The same of a product with a reciprocal. */
export function normOfProduct(call: ImportCall): Value | undefined {
  const [a, b] = call.inputs.map(argumentOf);
  if (a === undefined || b === undefined) return undefined;
  return (
    normalized(call, a, reciprocalSquared(call, b)) ??
    normalized(call, b, reciprocalSquared(call, a))
  );
}

/** rest / sqrt(square), if `square` is the mean of rest^2 with an epsilon. */
function normalized(
  call: ImportCall,
  rest: Argument,
  square: Argument | undefined,
): Value | undefined {
  const [p, q] = callOf(call, square, f.add) ?? [];
  const [variance, epsilon] = typeof p === 'number' ? [q, p] : [p, q];
  if (typeof variance !== 'object' || typeof epsilon !== 'number' || !(epsilon >= 0))
    return undefined;
  const mean = meanOf(call, variance);
  if (!mean || typeof rest !== 'object' || !isSquareOf(call, mean.x, rest)) return undefined;
  const { from, to } = mean;
  const [x, centre] = callOf(call, rest, f.sub) ?? [];
  const own = typeof centre === 'object' ? meanOf(call, centre) : undefined;
  const centred = own !== undefined && own.x === x && own.from === from && own.to === to;
  return normalize(call.g, centred ? own.x : rest, { from, to, centred, epsilon });
}

/** What is under the root of a deviation. */
function deviationSquared(call: ImportCall, value: Argument): Argument | undefined {
  const [square] = callOf(call, value, f.sqrt) ?? [];
  return square ?? powerOf(call, value, 0.5);
}

/** The same of a reciprocal. */
function reciprocalSquared(call: ImportCall, value: Argument): Argument | undefined {
  const [one, deviation] = callOf(call, value, f.div) ?? [];
  if (one === 1 && deviation !== undefined) return deviationSquared(call, deviation);
  return powerOf(call, value, -0.5);
}

/** a of a^exponent. */
function powerOf(call: ImportCall, value: Argument, exponent: number): Argument | undefined {
  const [base, power] = callOf(call, value, f.pow) ?? [];
  return power === exponent ? base : undefined;
}

function isSquareOf(call: ImportCall, square: Value, value: Value): boolean {
  const [a, b] = callOf(call, square, f.mul) ?? [];
  return (a === value && b === value) || powerOf(call, square, 2) === value;
}

/** What a value is the mean of along axes that stay. */
function meanOf(
  call: ImportCall,
  value: Value,
): (Pick<NormalizeAttributes, 'from' | 'to'> & { readonly x: Value }) | undefined {
  const node = call.g.nodeOf(value);
  const { x } = node?.inputs ?? {};
  if (!node || !x) return undefined;
  const ofPlanes = value.desc.shape.slice(2).every((extent) => extent === 1);
  if (node.op === adaptiveAveragePool2dOp && ofPlanes) return { x, from: 2, to: 4 };
  if (!isReduce(node)) return undefined;
  const { kind, from, to, keepAxes } = node.attributes;
  return kind === 'mean' && keepAxes && from < to ? { x, from, to } : undefined;
}

function isReduce(node: Node): node is Node<ReduceAttributes> {
  return node.op === reduceOp;
}

/** The arguments of the one function that a node calls, if it is this one. */
function callOf(
  { g }: ImportCall,
  value: Argument | undefined,
  fn: ExpressionFunction,
): readonly Argument[] | undefined {
  const node = typeof value === 'object' ? g.nodeOf(value) : undefined;
  if (!node || !isPointwise(node)) return undefined;
  const { steps } = node.attributes.expression;
  const [call, ...others] = steps.filter(isCall);
  if (!call || others.length > 0 || call.fn !== fn) return undefined;
  const made = call.args.map((at) => {
    const step = steps[at];
    if (step?.fn === 'constant') return step.value;
    return step?.fn === 'operand' ? node.inputs[step.name] : undefined;
  });
  return made.flatMap((argument) => argument ?? []);
}

function argumentOf(operand: Operand | undefined): Argument | undefined {
  return operand?.value ?? numberOf(operand);
}
