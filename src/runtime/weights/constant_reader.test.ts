import { describe, expect, it } from 'vitest';
import { WeightError } from '../errors.ts';
import type { DerivedWeight, Weight } from '../graph.ts';
import { ConstantReader } from './constant_reader.ts';

const A = weight('a', 'f32');
const THIRDS = weight('thirds', 'f16');
const SHORT = weight('short', 'f32');
const ODD = weight('odd', 'f32');

function weight(name: string, dtype: 'f16' | 'f32'): Weight {
  return { kind: 'weight', name, desc: { shape: [2], dtype } };
}

const VALUES: Readonly<Record<string, readonly number[]>> = {
  a: [1, 2],
  thirds: [1 / 3, 2],
  short: [1],
  odd: [Number.NaN, 1],
};

/** A reader, with the warnings it has given. */
function open() {
  const warnings: string[] = [];
  const read = (name: string) => Float32Array.from(VALUES[name] ?? []);
  const source = { name: 'x', tensors: undefined, read };
  return { reader: new ConstantReader(source, (warning) => warnings.push(warning)), warnings };
}

describe('ConstantReader', () => {
  it('reads weights as they are, and as f16 where the device stores them so', () => {
    const { reader } = open();
    expect(reader.read(A)).toEqual(Float32Array.of(1, 2));
    expect(reader.readStored(A)).toEqual(Float32Array.of(1, 2));
    expect(reader.read(THIRDS)).toEqual(Float32Array.of(1 / 3, 2));
    // The f16 nearest to a third: 1365 * 2^-12.
    expect(reader.readStored(THIRDS)).toEqual(Float32Array.of(1365 / 4096, 2));
    expect(reader.readStored(weight('thirds', 'f32'))).toEqual(Float32Array.of(1 / 3, 2));
  });

  it('computes what is derived from others', () => {
    const { reader } = open();
    const sum: DerivedWeight = {
      kind: 'derived',
      name: 'sum',
      desc: A.desc,
      sources: [A, THIRDS],
      compute: ([a, b]) => Float32Array.from(a ?? [], (value, i) => value + (b?.[i] ?? 0)),
    };
    expect(reader.read(sum)).toEqual(Float32Array.of(1 + 1 / 3, 4));
  });

  it('refuses data that the shape does not ask for', () => {
    const { reader } = open();
    expect(() => reader.read(SHORT)).toThrow(
      new WeightError(
        'weight "short" of "x" must be a Float32Array of 2 values [2], got Float32Array of 1',
      ),
    );
  });

  it('warns of values that are not finite once a tensor', () => {
    const { reader, warnings } = open();
    for (const constant of [A, ODD, ODD]) reader.read(constant);
    expect(warnings).toEqual(['weight "odd" holds 1 value(s) that are NaN or infinite']);
  });
});
