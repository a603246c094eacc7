/**
 * Floats in their order, as integers: `key_of(value)` is larger for larger values, or with `order` least first for
 * smaller ones. WGSL does not promise what comparisons make of NaN; of integers it does. NaN has the largest key in
 * either order, and -0 counts as 0.
 */
export function orderedKeyText(order: 'largest' | 'least'): string {
  const key = order === 'largest' ? 'key' : '~key';
  return `
const SIGN = 0x80000000u;
const INFINITY = 0x7f800000u;
const NOT_A_NUMBER = 0xfffffffeu;

fn key_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let magnitude = bits & ~SIGN;
  if (magnitude > INFINITY) {
    return NOT_A_NUMBER;
  }
  var key = select(bits | SIGN, ~bits, bits >= SIGN);
  if (magnitude == 0u) {
    key = SIGN;
  }
  return ${key};
}`;
}
