import { describe, expect, it } from 'vitest';
import { WeightError } from '../errors.ts';
import type { Shape } from '../tensor.ts';
import { fromInt8 } from './int8.ts';
import { quantized } from './narrow.ts';
import { openSafetensors } from './safetensors.ts';
import { type NamedTensor, writeSafetensors } from './safetensors_writer.ts';
import type { WeightSource } from './weight_source.ts';

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function integers(name: string, shape: Shape, values: readonly number[]): NamedTensor {
  return { name, dtype: 'I8', shape, data: bytesOf(Int8Array.from(values)) };
}

function floats(name: string, shape: Shape, values: readonly number[]): NamedTensor {
  return { name, dtype: 'F32', shape, data: bytesOf(Float32Array.from(values)) };
}

/** The source of a file of these tensors. */
function open(...tensors: readonly NamedTensor[]): WeightSource {
  return openSafetensors(writeSafetensors(tensors, undefined), 'x.safetensors');
}

const WEIGHT = integers('a.weight', [2, 3], [127, -127, 0, 1, 2, -128]);

describe('fromInt8', () => {
  it.each<[string, Shape, Shape, number[], number[]]>([
    ['of the first axis', [2, 3], [2, 1], [0.5, 2], [0.5, 1, 1.5, 8, 10, 12]],
    ['of the last axis', [2, 3], [1, 3], [1, 10, 0], [1, 20, 0, 4, 50, 0]],
    ['of an axis in the middle', [1, 3, 2], [1, 3, 1], [1, 2, 3], [1, 2, 6, 8, 15, 18]],
    ['of one for all', [2, 3], [1], [2], [2, 4, 6, 8, 10, 12]],
    ['of one for all, without axes', [2, 3], [], [2], [2, 4, 6, 8, 10, 12]],
    ['of one channel', [1, 6], [1, 1], [3], [3, 6, 9, 12, 15, 18]],
  ])('multiplies by scales %s', (_, shape, scaleShape, scales, expected) => {
    const source = open(
      integers('w', shape, [1, 2, 3, 4, 5, 6]),
      floats('w_scale', scaleShape, scales),
    );
    expect(fromInt8(source).read('w', shape)).toEqual(Float32Array.from(expected));
  });

  it('shows the integers as weights, without their scales, and all else as it is', () => {
    const source = open(WEIGHT, floats('a.weight_scale', [2, 1], [1, 1]), floats('b', [1], [3]));
    const { name, tensors, read } = fromInt8(source);
    expect(name).toBe('x.safetensors');
    const listed = [...(tensors ?? [])].map(([key, { dtype, shape }]) => [key, dtype, shape]);
    expect(listed.sort()).toEqual([
      ['a.weight', 'int8', [2, 3]],
      ['b', 'F32', [1]],
    ]);
    expect(read('a.weight', [2, 3])).toEqual(Float32Array.of(127, -127, 0, 1, 2, -128));
    expect(read('b', [1])).toEqual(Float32Array.of(3));
  });

  it('leaves a source without integers as it is, and one that is done already', () => {
    const plain = open(floats('a.weight_scale', [1], [1]));
    expect(fromInt8(plain)).toBe(plain);
    const made: WeightSource = { name: 'x', tensors: undefined, read: () => new Float32Array() };
    expect(fromInt8(made)).toBe(made);
    const done = fromInt8(open(WEIGHT, floats('a.weight_scale', [1], [1])));
    expect(fromInt8(done)).toBe(done);
  });

  it('reads a weight of no elements', () => {
    const source = open(integers('w', [2, 0], []), floats('w_scale', [2, 1], [1, 1]));
    expect(fromInt8(source).read('w', [2, 0])).toHaveLength(0);
  });

  it.each<[string, RegExp, readonly NamedTensor[]]>([
    ['without scales', /"a.weight": is of dtype I8, .* no tensor "a.weight_scale"/, [WEIGHT]],
    [
      'with scales of integers',
      /"a.weight_scale": expected scales of dtype F32, F16 or BF16, got I8/,
      [WEIGHT, integers('a.weight_scale', [2, 1], [1, 1])],
    ],
    [
      'with too few scales',
      /"a.weight_scale": expected scales of the shape \[2, 1\].* \[2, 3\], got \[3, 1\]/,
      [WEIGHT, floats('a.weight_scale', [3, 1], [1, 1, 1])],
    ],
    ['with scales of another rank', /got \[2\]/, [WEIGHT, floats('a.weight_scale', [2], [1, 1])]],
    [
      'with scales of two axes',
      /got \[2, 3\]/,
      [WEIGHT, floats('a.weight_scale', [2, 3], [1, 1, 1, 1, 1, 1])],
    ],
    ['with no scales in a tensor', /got \[0, 1\]/, [WEIGHT, floats('a.weight_scale', [0, 1], [])]],
  ])('refuses integers %s', (_, message, tensors) => {
    const source = open(...tensors);
    expect(() => fromInt8(source)).toThrow(WeightError);
    expect(() => fromInt8(source)).toThrow(message);
    expect(() => fromInt8(source)).toThrow('weights file "x.safetensors"');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses a scale of %s', (scale) => {
    const { read } = fromInt8(open(WEIGHT, floats('a.weight_scale', [2, 1], [1, scale])));
    const message = `tensor "a.weight_scale": expected finite scales, got ${scale} at 1`;
    expect(() => read('a.weight', [2, 3])).toThrow(message);
  });

  it('refuses another shape, and a source that is no file', () => {
    const source = open(WEIGHT, floats('a.weight_scale', [2, 1], [1, 1]));
    expect(() => fromInt8(source).read('a.weight', [3, 2])).toThrow('expected shape [3, 2]');
    const wrapped = { name: 'x', tensors: source.tensors, read: () => new Float32Array(6) };
    expect(() => fromInt8(wrapped)).toThrow('expected what openSafetensors or fetchSafetensors');
  });
});

describe('quantized', () => {
  it('makes the largest of each channel 127, and is off by half a step at most', () => {
    const values = Float32Array.of(0.5, -1, 0.26, 30, 3, -10);
    const made = quantized([2, 3], values, 0);
    expect(made?.scales).toEqual(Float32Array.of(1 / 127, 30 / 127));
    expect([...(made?.integers ?? [])]).toEqual([64, -127, 33, 127, 13, -42]);
  });

  it('takes channels along any axis', () => {
    const made = quantized([1, 2, 2], Float32Array.of(1, 0.5, 200, -254), 1);
    expect(made?.scales).toEqual(Float32Array.of(1 / 127, 2));
    expect([...(made?.integers ?? [])]).toEqual([127, 64, 100, -127]);
  });

  it('makes zeros of zeros, and of what is next to nothing', () => {
    const made = quantized([2, 2], Float32Array.of(0, -0, 1e-45, 0), 0);
    expect(made?.scales).toEqual(Float32Array.of(1, 1));
    expect([...(made?.integers ?? [])].map(Math.abs)).toEqual([0, 0, 0, 0]);
  });

  it.each([Number.NaN, Number.NEGATIVE_INFINITY])('leaves a tensor with %s as it is', (value) => {
    expect(quantized([1, 2], Float32Array.of(1, value), 0)).toBeUndefined();
  });
});
