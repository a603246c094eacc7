/**
 * How one element is stored. A kernel computes in f32 whatever that is: it loads by `f32(x[i])`, or
 * `vec4f(x[i])`, and rounds once, where it stores, by `y[i] = to_y(value)`, or `to_y4`.
 */
import { isSpecial } from './special_values.ts';

/** How an element is stored: 32 or 16 bits. Kernels compute in f32 either way. */
export type DType = 'f32' | 'f16';

/** Of the tensors that a kernel binds under these names. */
export type ElementTypes<Name extends string = never> = Readonly<Record<Name | 'y', DType>>;

/** Of a kernel that reads x only. */
export type UnaryTypes = ElementTypes<'x'>;

/**
 * The head of a module, before all else: an alias for the elements of each tensor, `X` for those of x, and the
 * conversions of what is stored. The operands of an epilogue may need f16, too. WGSL does not say what becomes of
 * values beyond the range of f16, so they are stored as the largest: a layer that leaves the range is then off where
 * it does, instead of turning every layer after it into NaN. What is infinite or NaN stays that.
 */
export function elementTypes(
  types: ElementTypes<string>,
  epilogue?: { readonly operands: readonly { readonly type: DType }[] },
): string {
  const operands = epilogue?.operands.map(({ type }) => type) ?? [];
  const half = [...Object.values(types), ...operands].includes('f16');
  const aliases = Object.entries(types).map(
    ([name, type]) => `alias ${name.charAt(0).toUpperCase()}${name.slice(1)} = ${type};`,
  );
  return [
    half ? 'enable f16;' : '',
    ...aliases,
    types.y === 'f16'
      ? storeF16('to_y', 'f32', 'f16') + storeF16('to_y4', 'vec4f', 'vec4<f16>')
      : STORE_F32,
  ].join('\n');
}

const STORE_F32 = `
fn to_y(value: f32) -> f32 {
  return value;
}

fn to_y4(value: vec4f) -> vec4f {
  return value;
}`;

const storeF16 = (name: string, type: 'f32' | 'vec4f', half: string): string => `
fn ${name}(value: ${type}) -> ${half} {
  let largest = ${type}(65504.0);
  return ${half}(select(clamp(value, -largest, largest), value, ${isSpecial('value', type, '>=')}));
}`;
