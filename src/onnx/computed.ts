/** Constants that are computed from others, when their data is asked for. */
import { elementCount, formatShape, type Shape } from '../runtime/tensor.ts';
import { MOST_AXES, MOST_FILLED, MOST_MADE } from './bounds.ts';
import { type ElementType, isFloat, roundingOf } from './element_type.ts';
import { demand } from './errors.ts';
import { type Constant, constant, type Numbers } from './tensor.ts';

/** The data of each of several constants. */
type DataOf<S extends readonly Constant[]> = { readonly [K in keyof S]: Numbers };

/**
 * A constant of what `compute` makes of the data of others, which are numbers of the type. Throws UnsupportedError
 * where it is far larger than these.
 */
export function computed<const S extends readonly Constant[]>(
  shape: Shape,
  type: ElementType,
  sources: S,
  compute: (...sources: DataOf<S>) => Numbers,
  most: number = MOST_MADE,
): Constant {
  // Indices that are gathered by themselves have twice as many axes each time.
  const few = shape.length <= MOST_AXES;
  demand(few, `a constant of ${shape.length} axes is computed; at most ${MOST_AXES} are`);
  const valid = shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
  demand(valid, `${formatShape(shape)} is no shape`);
  const count = elementCount(shape);
  const read = sources.reduce((sum, source) => sum + elementCount(source.shape), 0);
  demand(
    count <= Math.max(most, read),
    `a constant of ${formatShape(shape)} is computed; at most ${most} elements are`,
  );
  const earlier = sources.reduce((sum, { work = 0 }) => sum + work, 0);
  const numbers = () => {
    const data = sources.map((source) => source.numbers());
    return compute(...(data as DataOf<S>));
  };
  const depth = 1 + sources.reduce((most, source) => Math.max(most, source.depth ?? 0), 0);
  return { name: '', shape, type, work: earlier + read + count, depth, numbers };
}

/** A constant whose elements are computed one by one, in f64, and rounded to the type. Throws UnsupportedError. */
export function tabulated<const S extends readonly Constant[]>(
  shape: Shape,
  type: ElementType,
  sources: S,
  elementOf: (...sources: DataOf<S>) => (index: number) => number,
): Constant {
  return computed(shape, type, sources, (...data) => {
    const element = elementOf(...data);
    const rounding = roundingOf(type);
    // A loop, since this is done with whole weights.
    const result = new Float64Array(elementCount(shape));
    for (let i = 0; i < result.length; i++) result[i] = rounding(element(i));
    return result;
  });
}

/** The same elements under another shape, or as another type that holds all of them. */
export function seenAs(
  known: Constant,
  { shape = known.shape, type = known.type }: Partial<Pick<Constant, 'shape' | 'type'>>,
): Constant {
  return { ...known, shape, type };
}

/** A vector of 64-bit integers, as shapes are. */
export function integers(values: readonly number[]): Constant {
  return constant([values.length], values, 'int64');
}

/** So many times the same number. */
export function filled(shape: Shape, type: ElementType, value: number): Constant {
  const Held = isFloat(type) && type !== 'double' ? Float32Array : Float64Array;
  return computed(shape, type, [], () => new Held(elementCount(shape)).fill(value), MOST_FILLED);
}
