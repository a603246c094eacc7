/** The types and shapes that a file says of its inputs, and of values on the way. */
import { channelsAxis } from '../models/own_model.ts';
import { ShapeError } from '../runtime/errors.ts';
import { formatShape, type Shape } from '../runtime/tensor.ts';
import { type ElementType, elementTypeOf, typeName } from './element_type.ts';
import type { ValueInfoProto } from './schema/fields.ts';

/** Undefined where the file leaves an extent, or all of them, open. */
export type Extents = readonly (number | undefined)[] | undefined;

/** The inputs of a graph that no initializer fills: files of the first versions list those as inputs too. */
export function fedInputs<Input extends { readonly name: string }>({
  input,
  initializer,
}: {
  readonly input: readonly Input[];
  readonly initializer: readonly { readonly name: string }[];
}): readonly Input[] {
  const filled = new Set(initializer.map(({ name }) => name));
  return input.filter(({ name }) => !filled.has(name));
}

function tensorTypeOf({ type }: ValueInfoProto) {
  return type?.value.case === 'tensorType' ? type.value.value : undefined;
}

/** Undefined of what is no tensor of numbers or truth values. */
export function typeOf(info: ValueInfoProto): ElementType | undefined {
  return elementTypeOf(tensorTypeOf(info)?.elemType ?? 0);
}

/** `STRING`, for people. */
export function describeType(info: ValueInfoProto): string {
  const tensor = tensorTypeOf(info);
  return tensor ? typeName(tensor.elemType) : 'no tensor';
}

export function extentsOf(info: ValueInfoProto): Extents {
  return tensorTypeOf(info)?.shape?.dim.map(({ value }) =>
    value.case === 'dimValue' && value.value >= 0n ? Number(value.value) : undefined,
  );
}

/** The shape that is said in full; undefined where some of it is open. */
export function shapeOf(info: ValueInfoProto): Shape | undefined {
  const extents = extentsOf(info);
  const known = extents?.filter((extent) => extent !== undefined);
  return known?.length === extents?.length ? known : undefined;
}

/**
 * The shape of an input: as it is given, or else as the file says it, of `batch` images. Throws ShapeError where the
 * two do not go together, and where both leave it open.
 */
export function inputShape(
  who: string,
  input: ValueInfoProto,
  given: Shape | undefined,
  batch: number,
): Shape {
  const extents = extentsOf(input);
  const shown = `[${extents?.map((extent) => extent ?? '?').join(', ') ?? ''}]`;
  if (given) {
    // Channels are what the weights are for; batch, height and width may be others than in the file.
    const axis = channelsAxis(extents ?? given);
    const channels = extents?.[axis] ?? given[axis];
    if (given.length !== (extents?.length ?? given.length) || channels !== given[axis]) {
      throw new ShapeError(`${who} is ${shown}, got ${formatShape(given)}`);
    }
    return given;
  }
  const shape = extents?.flatMap((extent, axis) => extent ?? (axis === 0 ? [batch] : []));
  if (!shape || shape.length !== extents?.length) {
    throw new ShapeError(
      `${who} leaves its shape open ${shown}; give its shape by the option "shapes"`,
    );
  }
  return shape;
}
