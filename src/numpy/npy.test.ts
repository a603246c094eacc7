import { describe, expect, it } from 'vitest';
import { npyBytes } from '../../test/fixtures/npy_bytes.ts';
import { readArray, readNpy, writeNpy } from './npy.ts';

/** What numpy.save of NumPy 1.24 writes of `np.asfortranarray(np.arange(6, dtype='>i2').reshape(2, 3))`. */
const BY_NUMPY = `k05VTVBZAQB2AHsnZGVzY3InOiAnPmkyJywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyks
  IH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAADAAEABAACAAU=`;

const SIX = [0, 1, 2, 3, 4, 5];

/** The elements 0 to 5, written by a method of DataView. */
function stored(bytes: number, set: (view: DataView, at: number, value: number) => void) {
  const data = new Uint8Array(6 * bytes);
  for (const value of SIX) set(new DataView(data.buffer), value * bytes, value);
  return data;
}

/** f16 of 0 to 5: sign, 5 bits of exponent, 10 of fraction. */
const HALVES = [0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500];

const TYPES: readonly (readonly [string, Uint8Array])[] = [
  ['|i1', stored(1, (view, at, x) => view.setInt8(at, x))],
  ['|u1', stored(1, (view, at, x) => view.setUint8(at, x))],
  ...(['<', '>'] as const).flatMap((order) => {
    const little = order === '<';
    return [
      ['i2', stored(2, (view, at, x) => view.setInt16(at, x, little))],
      ['u2', stored(2, (view, at, x) => view.setUint16(at, x, little))],
      ['i4', stored(4, (view, at, x) => view.setInt32(at, x, little))],
      ['u4', stored(4, (view, at, x) => view.setUint32(at, x, little))],
      ['i8', stored(8, (view, at, x) => view.setBigInt64(at, BigInt(x), little))],
      ['u8', stored(8, (view, at, x) => view.setBigUint64(at, BigInt(x), little))],
      ['f2', stored(2, (view, at, x) => view.setUint16(at, HALVES[x] ?? 0, little))],
      ['f4', stored(4, (view, at, x) => view.setFloat32(at, x, little))],
      ['f8', stored(8, (view, at, x) => view.setFloat64(at, x, little))],
    ].map(([kind, data]) => [`${order}${kind}`, data] as [string, Uint8Array]);
  }),
];

/** One element of a type. */
function one(descr: string, set: (view: DataView) => void): Uint8Array {
  const data = new Uint8Array(Number(descr.slice(2)));
  set(new DataView(data.buffer));
  return npyBytes({ descr, shape: '(1,)', data });
}

describe('readNpy', () => {
  it.each(TYPES)('reads %s', (descr, data) => {
    const { shape, data: values } = readNpy(npyBytes({ descr, data }));
    expect(shape).toEqual([2, 3]);
    expect([...values]).toEqual(SIX);
  });

  it('reads what NumPy wrote: the first axis side by side, most significant byte first', () => {
    const { shape, data } = readNpy(Buffer.from(BY_NUMPY, 'base64'));
    expect(shape).toEqual([2, 3]);
    expect([...data]).toEqual(SIX);
  });

  it('puts three axes in order', () => {
    const shape = [2, 3, 4];
    const data = Float32Array.from({ length: 24 }, (_, at) => {
      const [i, j, k] = [at % 2, Math.floor(at / 2) % 3, Math.floor(at / 6)];
      return (i * 3 + j) * 4 + k;
    });
    const bytes = new Uint8Array(data.buffer);
    const read = readNpy(npyBytes({ shape: '(2, 3, 4)', fortran: true, data: bytes }));
    expect(read).toEqual({ shape, data: Float32Array.from({ length: 24 }, (_, i) => i) });
  });

  it('reads truth values as 0 and 1', () => {
    const data = Uint8Array.of(0, 1, 0, 1, 1, 0);
    expect([...readNpy(npyBytes({ descr: '|b1', data })).data]).toEqual([0, 1, 0, 1, 1, 0]);
  });

  it('reads one number, a vector, and arrays of nothing', () => {
    const shapeOf = (shape: string, bytes: number) =>
      readNpy(npyBytes({ shape, data: new Uint8Array(bytes) })).shape;
    expect(shapeOf('()', 4)).toEqual([]);
    expect(shapeOf('(3,)', 12)).toEqual([3]);
    expect(shapeOf('(3L, 2L)', 24)).toEqual([3, 2]);
    expect(shapeOf('(0, 4)', 0)).toEqual([0, 4]);
  });

  it('reads headers of versions 2 and 3, in any order and with other quotes', () => {
    const header = '{"shape": (2, 3), "fortran_order": False, "descr": "<f4"}';
    for (const version of [2, 3]) {
      expect(readNpy(npyBytes({ header, version })).shape).toEqual([2, 3]);
    }
  });

  it('reads part of a larger buffer, at an odd address', () => {
    const bytes = npyBytes({
      descr: '<f4',
      data: stored(4, (v, at, x) => v.setFloat32(at, x, true)),
    });
    const larger = new Uint8Array(bytes.length + 9);
    larger.set(bytes, 3);
    expect([...readNpy(larger.subarray(3, 3 + bytes.length)).data]).toEqual(SIX);
  });

  it('rounds floats to f32, and keeps infinities and NaN', () => {
    const valueOf8 = (x: number) =>
      readNpy(one('<f8', (view) => view.setFloat64(0, x, true))).data[0];
    expect(valueOf8(0.1)).toBe(Math.fround(0.1));
    expect(valueOf8(Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
    expect(valueOf8(Number.NaN)).toBeNaN();
  });

  it.each([
    [
      '<i8',
      (view: DataView) => view.setBigInt64(0, 2n ** 24n + 1n, true),
      /element 0 is 16777217, .*f32 does not hold/,
    ],
    [
      '<i8',
      (view: DataView) => view.setBigInt64(0, 2n ** 53n + 1n, true),
      /element 0 is 9007199254740993/,
    ],
    [
      '<u8',
      (view: DataView) => view.setBigUint64(0, 2n ** 64n - 1n, true),
      /element 0 is 18446744073709551615/,
    ],
    [
      '<u4',
      (view: DataView) => view.setUint32(0, 2 ** 32 - 1, true),
      /element 0 is 4294967295, .*beyond 2\^24/,
    ],
    [
      '<f8',
      (view: DataView) => view.setFloat64(0, 1e39, true),
      /element 0 is 1e\+39, .*largest is 3\.4e38/,
    ],
  ] as const)('refuses a number of %s that f32 does not hold', (descr, set, message) => {
    expect(() => readNpy(one(descr, set), 'ids.npy')).toThrow(message);
  });

  it('takes large integers that f32 holds', () => {
    expect(readNpy(one('<i8', (view) => view.setBigInt64(0, 2n ** 40n, true))).data[0]).toBe(
      2 ** 40,
    );
  });

  it.each<readonly [string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(), /"x\.npy": expected what numpy\.save wrote, got .* ""/],
    ['another file', new TextEncoder().encode('PK\x03\x04 and so on'), /numpy\.save wrote, got/],
    ['a version to come', npyBytes({ version: 4 }), /is of version 4; 1 to 3 are read/],
    [
      'a header beyond the file',
      npyBytes({}).subarray(0, 20),
      /a header of .* within the file, got \d+/,
    ],
    [
      'an endless header',
      npyBytes({ header: ' '.repeat(10_001) }),
      /at most 10000 bytes.*, got 10001/,
    ],
    ['no shape', npyBytes({ header: "{'descr': '<f4', 'fortran_order': False}" }), /says no type/],
    ['no order', npyBytes({ header: "{'descr': '<f4', 'shape': (2, 3)}" }), /says no type/],
    ['a negative extent', npyBytes({ shape: '(-1, 3)' }), /says no type, order and shape/],
    ['an extent without end', npyBytes({ shape: `(${'9'.repeat(30)},)` }), /says the shape/],
    ['2^60 elements', npyBytes({ shape: `(${2 ** 30}, ${2 ** 30})` }), /says the shape/],
    ['65 axes', npyBytes({ shape: `(${'1, '.repeat(65)})` }), /says the shape/],
    ['two commas', npyBytes({ shape: '(2,,3)' }), /says the shape/],
    [
      '2^40 elements of 24 bytes',
      npyBytes({ shape: `(${2 ** 40},)` }),
      /takes 4398046511104 bytes, 24 are there/,
    ],
    [
      'too much data',
      npyBytes({ data: new Uint8Array(25) }),
      /\[2, 3\] takes 24 bytes, 25 are there/,
    ],
    [
      'objects',
      npyBytes({ descr: '|O' }),
      /its elements are "\|O"; .*save it as array\.astype\("float32"\)/,
    ],
    ['text', npyBytes({ descr: '<U2' }), /its elements are "<U2"/],
    ['complex numbers', npyBytes({ descr: '<c8' }), /its elements are "<c8"/],
    ['a float of 16 bytes', npyBytes({ descr: '<f16' }), /its elements are "<f16"/],
    ['a type that objects have', npyBytes({ descr: '<constructor' }), /its elements are/],
    [
      'fields',
      npyBytes({ header: "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }" }),
      /has fields; save each of them as an array of its own/,
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readNpy(bytes, 'x.npy')).toThrow(
      expect.objectContaining({ name: 'NumpyError', message: expect.stringMatching(message) }),
    );
  });
});

describe('writeNpy', () => {
  it.each([[[]], [[3]], [[2, 3]], [[1, 1, 2, 0]]])('writes what is read back: %j', (shape) => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const data = Float32Array.from({ length: count }, (_, i) => i - 0.1);
    const bytes = writeNpy({ shape, data });
    expect((bytes.length - 4 * count) % 64).toBe(0);
    expect(readNpy(bytes)).toEqual({ shape, data });
  });

  it('refuses data of another length than its shape', () => {
    expect(() => writeNpy({ shape: [2, 3], data: new Float32Array(5) })).toThrow(
      /\[2, 3\] takes 6 elements, the data has 5/,
    );
  });
});

it('an array of more elements than may be read is refused before there is room for it', () => {
  expect(readArray(npyBytes({}), 'array', 6).shape).toEqual([2, 3]);
  expect(() => readArray(npyBytes({}), 'array', 5)).toThrow(
    /array: has 6 elements; at most 5 are read of a file/,
  );
});
