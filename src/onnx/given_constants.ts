/** Inputs of a model that are given once, when it is loaded. */
import { checkArgument, checkValues } from '../runtime/arguments.ts';
import { ShapeError, UnsupportedError } from '../runtime/errors.ts';
import { elementCount, formatShape, type Shape } from '../runtime/tensor.ts';
import { quoted } from '../runtime/weights/messages.ts';
import { MOST_DECIDING, MOST_NAMED } from './bounds.ts';
import { type ElementType, isFloat, rangeOf } from './element_type.ts';
import { neededFor } from './ending_in.ts';
import { type Extents, extentsOf, fedInputs, inputShape, typeOf } from './model_inputs.ts';
import type { GraphProto, NodeProto, ValueInfoProto } from './schema/fields.ts';
import type { Scope } from './scope.ts';
import type { Constant, Numbers } from './tensor.ts';

/** What an input is at every run: numbers in the shape that the file says, or in one of their own. */
export type GivenConstant =
  | number
  | readonly number[]
  | {
      /** Its extents. */
      readonly shape: Shape;
      /** Row-major. */
      readonly data: Float32Array;
    };

/** Inputs that are the same at every run, by name. */
export type GivenConstants = Readonly<Record<string, GivenConstant>>;

/** The input of this name. Throws UnsupportedError where the model has none such. */
export function inputNamed(
  option: string,
  name: string,
  inputs: readonly ValueInfoProto[],
): ValueInfoProto {
  const found = inputs.find((input) => input.name === name);
  if (found) return found;
  const names = inputs.slice(0, MOST_NAMED).map((input) => quoted(input.name));
  if (inputs.length > MOST_NAMED) names.push('...');
  throw new UnsupportedError(
    `option "${option}": the model has no input ${quoted(name)} to be given; it has ${names.join(', ') || 'none'}`,
  );
}

/** What is given for an input, in its type. Throws ShapeError where it does not fit. */
export function givenConstant(input: ValueInfoProto, given: GivenConstant): Constant {
  const who = `constant ${quoted(input.name)}`;
  const type: ElementType = typeOf(input) ?? 'float32';
  const { shape, data } = valuesOf(who, input, given);
  const wrong = data.findIndex((value) => !isOfType(type, value));
  checkArgument(wrong < 0, who, `of numbers that ${type} holds`, data[wrong], ShapeError);
  const numbers = isFloat(type) ? Float32Array.from(data) : data;
  return { name: input.name, shape, type, numbers: () => numbers };
}

/** Floats may be infinite, as in masks, but not because they are too large. */
function isOfType(type: ElementType, value: number): boolean {
  if (isFloat(type)) return Number.isFinite(value) === Number.isFinite(Math.fround(value));
  const [least, most] = type === 'bool' ? [0, 1] : rangeOf(type);
  return Number.isInteger(value) && value >= least && value <= most;
}

function valuesOf(
  who: string,
  input: ValueInfoProto,
  given: GivenConstant,
): { readonly shape: Shape; readonly data: Numbers } {
  const extents = extentsOf(input);
  if (typeof given === 'number') {
    return { shape: shapeOfList(who, extents ?? [], 1), data: Float64Array.of(given) };
  }
  if (isList(given)) {
    return { shape: shapeOfList(who, extents, given.length), data: Float64Array.from(given) };
  }
  const { shape, data } = Object(given);
  checkArgument(Array.isArray(shape), who, 'numbers, or a shape and data', given, ShapeError);
  checkValues(ShapeError, who, shape, data);
  // One value is one value, in whatever brackets.
  if (data.length === 1 && extents) return { shape: shapeOfList(who, extents, 1), data };
  inputShape(who, input, shape, 1);
  return { shape, data };
}

function isList(given: GivenConstant): given is readonly number[] {
  // What an array leaves out, `every` does not see.
  return (
    Array.isArray(given) &&
    Array.from(given).every((value) => typeof value === 'number' && !Number.isNaN(value))
  );
}

/** As the file says it; an extent that is open takes what is there. */
function shapeOfList(who: string, extents: Extents = [undefined], count: number): Shape {
  const known = elementCount(extents.map((extent) => extent ?? 1));
  const isOpen = extents.filter((extent) => extent === undefined).length === 1;
  const shapeFor = (open: number): Shape => extents.map((extent) => extent ?? open);
  const shape = shapeFor(isOpen ? count / known : 1);
  if (elementCount(shape) === count && shape.every(Number.isInteger)) return shape;
  const expected = shapeFor(1);
  throw new ShapeError(
    `${who} ${formatShape(expected)} takes ${elementCount(expected)} values, got ${count}`,
  );
}

/** Small inputs that are fed, on which what is refused hangs: given once, they may decide what is computed now. */
export function decidingInputs(
  graph: GraphProto,
  refused: ReadonlySet<NodeProto>,
  scope: Scope,
): readonly string[] {
  const read = neededFor(
    graph.node,
    [...refused].flatMap(({ input }) => input),
  ).names;
  return fedInputs(graph).flatMap(({ name }) => {
    const { value } = scope.find(name) ?? {};
    const isSmall = value && elementCount(value.desc.shape) <= MOST_DECIDING;
    return isSmall && read.has(name) ? [name] : [];
  });
}
