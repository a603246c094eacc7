/**
 * Weights of a few bits each, several to a byte, as onnxruntime's quantiser of matrices writes them.
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits)
 */
import type { Value } from '../../runtime/graph.ts';
import { elementCount } from '../../runtime/tensor.ts';
import { computed } from '../computed.ts';
import { isFloat } from '../element_type.ts';
import { demand } from '../errors.ts';
import type { ImportCall, Importers } from '../import_node.ts';
import type { Constant, Numbers } from '../tensor.ts';
import { ofRows } from './linear.ts';

const BITS: readonly number[] = [2, 4, 8];

/** The number at a place among those of so many bits, of which the lowest come first. */
function unpacked(bytes: Numbers, bits: number): (index: number) => number {
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  return (i) => (Number(bytes[Math.floor(i / perByte)] ?? 0) >> ((i % perByte) * bits)) & mask;
}

/** How the rows of W [features, inputs] are cut into blocks, each with a scale and a zero point. */
interface Form {
  readonly features: number;
  readonly inputs: number;
  readonly bits: number;
  /** Weights of a block; the last of a row is filled up. */
  readonly block: number;
  /** Blocks of a row. */
  readonly blocks: number;
}

function formOf(call: ImportCall): Form {
  const [features, inputs] = [call.int('N', 0), call.int('K', 0)];
  const [bits, block] = [call.int('bits', 4), call.int('block_size', 0)];
  demand(BITS.includes(bits), `bits is ${bits}; ${BITS.join(', ')} are read`);
  demand(!call.inputs[4], 'the order of the groups is given; groups in order are read');
  demand(features > 0 && inputs > 0, 'N or K is missing');
  const power = block >= 16 && Number.isInteger(Math.log2(block));
  demand(power, `block_size is ${block}; powers of two from 16 on are read`);
  return { features, inputs, bits, block, blocks: Math.ceil(inputs / block) };
}

/** (w - zero point) * scale, row by row. */
function widened(
  { features, inputs, block, blocks }: Form,
  zeroOf: (row: number, block: number) => number,
  weightAt: (index: number) => number,
  scales: Numbers,
): Float32Array {
  const result = new Float32Array(features * inputs);
  for (let row = 0, i = 0; row < features; row++) {
    for (let k = 0; k < inputs; k++, i++) {
      const at = Math.floor(k / block);
      const nth = row * blocks + at;
      const weight = weightAt(nth * block + (k % block)) - zeroOf(row, at);
      result[i] = weight * Number(scales[nth] ?? 0);
    }
  }
  return result;
}

/** The zero point of each block: packed as weights are, each row from a byte on; a float; or half of all steps. */
function zerosOf({ bits, blocks }: Form, zeros: Constant | undefined, data: Numbers | undefined) {
  if (!zeros || !data) return () => 2 ** (bits - 1);
  if (isFloat(zeros.type)) return (row: number, at: number) => Number(data[row * blocks + at] ?? 0);
  const zeroAt = unpacked(data, bits);
  const perRow = Math.ceil((blocks * bits) / 8) * (8 / bits);
  return (row: number, at: number) => zeroAt(row * perRow + at);
}

/** x W' + bias */
function product(call: ImportCall): Value {
  const form = formOf(call);
  const { features, inputs, bits, block, blocks } = form;
  const [packed, scales] = [call.known(1, 'the weights'), call.known(2, 'the scales')];
  const zeros = call.inputs[3] && call.known(3, 'the zero points');
  const isPacked = ({ type }: Constant) => type === 'uint8';
  demand(isPacked(packed), `weights are ${packed.type}; uint8 are read`);
  demand(!zeros || isPacked(zeros) || isFloat(zeros.type), `zero points are ${zeros?.type}`);
  expectCount('weights', packed, features * blocks * ((block * bits) / 8));
  expectCount('scales', scales, features * blocks);
  const zerosPerRow = zeros && isFloat(zeros.type) ? blocks : Math.ceil((blocks * bits) / 8);
  if (zeros) expectCount('zero points', zeros, features * zerosPerRow);
  const sources = zeros ? [packed, scales, zeros] : [packed, scales];
  const matrix = computed(
    [features, inputs],
    'float32',
    sources,
    (bytes: Numbers, scaleOf: Numbers, data?: Numbers) =>
      widened(form, zerosOf(form, zeros, data), unpacked(bytes, bits), scaleOf),
    (8 / bits) * elementCount(packed.shape),
  );
  const weight = call.place.weight({ ...matrix, name: `${packed.name || call.name} unpacked` });
  return ofRows(call, call.value(0), weight, call.inputs[5] && call.value(5));
}

function expectCount(what: string, { shape }: Constant, count: number): void {
  const got = elementCount(shape);
  demand(got === count, `expected ${count} ${what} in blocks, got ${got}`);
}

export const importers: Importers = { 'com.microsoft.MatMulNBits': product };
