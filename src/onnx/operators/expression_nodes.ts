/** Expressions as nodes of ONNX. */
import {
  type Expression,
  type ExpressionFunction,
  isCall,
  type Step,
} from '../../../shaders/lib/expression.ts';
import { is_inf, is_nan, select } from '../../../shaders/lib/expression_functions.ts';
import { isComparison } from '../../../shaders/lib/expression_text.ts';
import { toF32 } from '../../../shaders/lib/expression_wgsl.ts';
import { toBfloat16 } from '../../../shaders/lib/narrow_floats.ts';
import type { Node } from '../../runtime/graph.ts';
import type { Attributes } from '../attribute.ts';
import type { OnnxWriter } from '../onnx_writer.ts';
import { DataType } from '../schema/enums.ts';
import { expressionOf, NAMED, type NamedFunction, nameOf } from './functions.ts';

/** Whether ONNX's function is true or false, not 1 or 0. */
function isTruth(fn: ExpressionFunction): boolean {
  return isComparison(fn) || fn === is_nan || fn === is_inf;
}

/** What an expression computes on, and what it makes. */
export interface Ends {
  /** The name of an operand. */
  readonly operand: (name: string) => string;
  /** The value that the expression makes, and the node that makes it. */
  readonly output: string;
  readonly last: string;
}

/** Writes an expression: under the names that ONNX has for whole parts of it, else step by step. */
export function writeExpression(
  node: Node,
  writer: OnnxWriter,
  { steps }: Expression,
  { operand, output, last }: Ends,
): void {
  const write = (
    at: number,
    opType: string,
    inputs: readonly string[],
    attributes?: Attributes,
  ) => {
    if (at < steps.length - 1) return writer.step(node, opType, inputs, attributes);
    writer.node(opType, last, inputs, output, attributes);
    return output;
  };
  const resultOf = once((at: number): string => {
    const step = steps[at];
    if (step?.fn === 'operand') return operand(step.name);
    if (step?.fn === 'constant') return writer.scalar(node, 'constant', toF32(step.value));
    if (!step) throw new RangeError(`expression: there is no step ${at}`);
    const named = namedAt(steps, at);
    if (named) {
      const { row, x, parameters } = named;
      if (row.since) writer.requireOpset(row.since);
      const inputs = [resultOf(x)];
      for (const [i, place] of (row.inputs ?? []).entries()) {
        while (inputs.length < place) inputs.push('');
        const name = place === 1 ? 'min' : 'max';
        inputs.push(writer.scalar(node, name, toF32(parameters[i] ?? 0)));
      }
      const names = Object.keys(row.parameters ?? {});
      const floats = names.map((name, i) => [name, { float: parameters[i] ?? 0 }] as const);
      return write(at, row.opType, inputs, { ...Object.fromEntries(floats), ...row.attributes });
    }
    if (isTruth(step.fn)) {
      return write(at, 'Cast', [conditionOf(at)], { to: { int: DataType.FLOAT } });
    }
    if (step.fn === toBfloat16) {
      const narrow = { to: { int: DataType.BFLOAT16 } };
      const halves = writer.step(node, 'Cast', step.args.map(resultOf), narrow);
      return write(at, 'Cast', [halves], { to: { int: DataType.FLOAT } });
    }
    const [condition = 0, ...others] = step.args;
    const inputs =
      step.fn === select
        ? [conditionOf(condition), ...others.map(resultOf)]
        : step.args.map(resultOf);
    return write(at, nameOf(step.fn), inputs);
  });
  /** True or false of a step. */
  const conditionOf = once((at: number): string => {
    const step = steps[at];
    return step && isCall(step) && isTruth(step.fn)
      ? writer.step(node, nameOf(step.fn), step.args.map(resultOf))
      : writer.step(node, 'Cast', [resultOf(at)], { to: { int: DataType.BOOL } });
  });
  const result = resultOf(steps.length - 1);
  if (result !== output) writer.node('Identity', last, [result], output);
}

/** Writes each step once. */
function once(write: (at: number) => string): (at: number) => string {
  const written = new Map<number, string>();
  return (at) => {
    const name = written.get(at) ?? write(at);
    written.set(at, name);
    return name;
  };
}

interface Match {
  readonly row: NamedFunction;
  /** The step that the function is of. */
  readonly x: number;
  readonly parameters: readonly number[];
}

/** The first row that builds what a step computes. */
function namedAt(steps: readonly Step[], at: number): Match | undefined {
  for (const { row, pattern, parameters } of PATTERNS) {
    const found = matched(pattern, pattern.steps.length - 1, steps, at, {});
    if (found?.x0 === undefined) continue;
    return {
      row,
      x: found.x0,
      parameters: parameters.map((parameter) => {
        const step = typeof parameter === 'string' ? steps[found[parameter] ?? -1] : undefined;
        return step?.fn === 'constant' ? step.value : Number(parameter);
      }),
    };
  }
  return undefined;
}

interface Pattern {
  readonly row: NamedFunction;
  readonly pattern: Expression;
  /** Values, or the operands of the pattern that stand for them. */
  readonly parameters: readonly (number | string)[];
}

/** Numbers that no function has, by which parameters are found in what a row builds. */
const MARKS: readonly number[] = [0.7391452, 0.2718459];

/** Each row with any parameters, and with the default ones: an alpha of 1 is no part of an expression. */
const PATTERNS: readonly Pattern[] = NAMED.flatMap((row): readonly Pattern[] => {
  const { parameters = {}, inputs } = row;
  const defaults = Object.values(parameters);
  const marks = MARKS.slice(0, (inputs ?? defaults).length);
  const { steps } = expressionOf(row, marks);
  const open = steps.map((step): Step => {
    const mark = step.fn === 'constant' ? marks.indexOf(step.value) : -1;
    return mark < 0 ? step : { fn: 'operand', name: `parameter${mark}` };
  });
  const names = marks.map((_, i) => `parameter${i}`);
  const any = { row, pattern: { steps: open }, parameters: names };
  return defaults.length === 0
    ? [any]
    : [any, { row, pattern: expressionOf(row, defaults), parameters: defaults }];
});

/** Which step stands for each operand of the pattern, by name. */
type Bindings = Readonly<Record<string, number>>;

/** The bindings under which a step computes what the pattern does. */
function matched(
  pattern: Expression,
  patternAt: number,
  steps: readonly Step[],
  at: number,
  bindings: Bindings,
): Bindings | undefined {
  const [wanted, step] = [pattern.steps[patternAt], steps[at]];
  if (!wanted || !step) return undefined;
  if (wanted.fn === 'operand') {
    const { name } = wanted;
    if (name.startsWith('parameter') && step.fn !== 'constant') return undefined;
    const bound = bindings[name];
    return bound === undefined || bound === at ? { ...bindings, [name]: at } : undefined;
  }
  if (wanted.fn === 'constant') {
    return step.fn === 'constant' && toF32(step.value) === toF32(wanted.value)
      ? bindings
      : undefined;
  }
  if (!isCall(step) || step.fn !== wanted.fn) return undefined;
  const orders = step.fn.commutative ? [step.args, step.args.toReversed()] : [step.args];
  for (const args of orders) {
    const found = wanted.args.reduce<Bindings | undefined>(
      (known, argument, i) => known && matched(pattern, argument, steps, args[i] ?? -1, known),
      bindings,
    );
    if (found) return found;
  }
  return undefined;
}
