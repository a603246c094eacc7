/** Elements that become others one by one, where that is not what expressions do: types, remainders, bits. */
import { computed, seenAs } from '../computed.ts';
import { bitsOf, castingTo, type ElementType, isFloat } from '../element_type.ts';
import type { ImportCall } from '../import_node.ts';
import { resultType } from '../result_type.ts';
import type { Constant } from '../tensor.ts';
import { broadcast } from './broadcast.ts';
import type { Evaluator, Evaluators } from './evaluator.ts';

/** As another type. */
export function castConstant(call: ImportCall): Constant {
  const x = call.known(0);
  const type = resultType(call, 0);
  if (type === x.type) return x;
  // Sixteen bits fit into 32, whatever they mean.
  const holds = type === 'double' || (type === 'float32' && x.type.endsWith('float16'));
  if (holds && isFloat(x.type)) return seenAs(x, { type });
  const convert = castingTo(type, x.type);
  return computed(x.shape, type, [x], (data) => Float64Array.from(data, convert));
}

/** Of the divisor's sign, as in Python, or with `fmod` of the dividend's, as in C. */
const remainder: Evaluator = (call) => {
  const likeC = call.flag('fmod');
  return binary(call, (a, b) => {
    const rest = a % b;
    return likeC || rest === 0 || rest < 0 === b < 0 ? rest : rest + b;
  });
};

function binary(call: ImportCall, f: (a: number, b: number) => number): Constant {
  return broadcast(call, call.type(0), f);
}

/** On integers as they lie in memory. */
function bitwise(f: (a: bigint, b: bigint) => bigint): Evaluator {
  return (call) => binary(call, (a, b) => Number(fitted(f(BigInt(a), BigInt(b)), call.type(0))));
}

function fitted(value: bigint, type: ElementType): bigint {
  const bits = bitsOf(type);
  return type.startsWith('int') ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

const shift: Evaluator = (call) => {
  const left = call.choice('direction', 'LEFT', 'RIGHT') === 'LEFT';
  const most = bitsOf(call.type(0));
  return bitwise((a, b) => (b >= most ? 0n : left ? a << b : a >> b))(call);
};

export const arithmetic: Evaluators = {
  Cast: castConstant,
  CastLike: castConstant,
  Mod: remainder,
  BitShift: shift,
  BitwiseAnd: bitwise((a, b) => a & b),
  BitwiseOr: bitwise((a, b) => a | b),
  BitwiseXor: bitwise((a, b) => a ^ b),
  BitwiseNot(call) {
    const x = call.known(0);
    return computed(x.shape, x.type, [x], (data) =>
      Float64Array.from(data, (a) => Number(fitted(~BigInt(a), x.type))),
    );
  },
};
