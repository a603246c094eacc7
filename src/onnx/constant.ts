import { checkArgument } from '../runtime/arguments.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { elementCount, formatShape, type Shape } from '../runtime/tensor.ts';
import { type ElementType, isElementType } from './element_type.ts';
import { demandSound } from './errors.ts';
import { type Constant, constant as constantOf } from './tensor.ts';

/**
 * A constant of numbers that are here already, without a name: what an importer gives where a node's result is known.
 *
 * @param shape - Extents; some may be 0.
 * @param values - Row-major, as many as the shape has.
 * @param type - What the file would call their type.
 * @throws OnnxError where they do not fit the shape.
 *
 * @example
 * const rank: Importer = (call) => constant([], [call.shape(0).length], 'int64');
 */
export function constant(shape: Shape, values: Iterable<number>, type: ElementType): Constant {
  checkKinds('constant', { shape });
  const isIterable = Symbol.iterator in Object(values);
  checkArgument(isIterable, 'constant: values', 'numbers', values);
  checkArgument(isElementType(type), 'constant: type', "an ElementType, such as 'float32'", type);
  const numbers = [...values];
  const count = elementCount(shape);
  demandSound(
    numbers.length === count && numbers.every((n) => typeof n === 'number'),
    `constant: shape and values: ${formatShape(shape)} has ${count} elements, got ${numbers.length}`,
  );
  return constantOf(shape, numbers, type);
}
