/**
 * NaN and infinities in WGSL. Compilers may assume that there are none, so those that matter are told by their bits,
 * as integers.
 */
type Floats = 'f32' | 'vec4f';

/** Whether x, of this type, is NaN, with `==` whether it is infinite, and with `>=` whether it is either. */
export function isSpecial(x: string, type: Floats, than: '>' | '>=' | '==' = '>'): string {
  const integers = integersOf(type);
  return `(bitcast<${integers}>(${x}) & ${integers}(0x7fffffff)) ${than} ${integers}(0x7f800000)`;
}

/**
 * The larger or the smaller of two, as a function of this name: NaN where one is NaN, which WGSL's own may drop. Of a
 * first NaN, the comparison is false; a constant costs no look at the bits of the second.
 */
export function extremeText(of: 'max' | 'min', name: string, type: Floats = 'f32'): string {
  return `
fn ${name}(a: ${type}, b: ${type}) -> ${type} {
  return select(select(a, b, a ${of === 'max' ? '<' : '>'} b), b, ${isSpecial('b', type)});
}
`;
}

/** Bits that make a sign infinite. */
export const INFINITY = '0x7f800000';
export const MINUS_INFINITY = '-0x800000';
/** Bits that make a sign NaN. */
export const NAN = '0x7fc00000';

/**
 * The sign of x with these bits set: computed from a variable, since WGSL has no word for what they make. Other bits of
 * a subnormal, which a device may take for 0, would make an infinity NaN.
 */
export function orBits(x: string, type: Floats, bits: string): string {
  const integers = integersOf(type);
  const sign = `(bitcast<${integers}>(${x}) & ${integers}(-0x80000000))`;
  return `bitcast<${type}>(${sign} | ${integers}(${bits}))`;
}

function integersOf(type: Floats): string {
  return type.replace('f', 'i');
}
