import { describe, expect, it } from 'vitest';
import { Constants } from './constants.ts';
import type { Tensor } from './model.ts';
import { dense, type Sparsity } from './sparsity.ts';

const tensor = (part: Partial<Tensor>): Tensor => ({
  name: 'w',
  type: 0,
  shape: [],
  signature: [],
  data: undefined,
  quantization: undefined,
  sparsity: undefined,
  ...part,
});

const bytesOf = (data: ArrayBufferView<ArrayBuffer>) => new Uint8Array(data.buffer);

describe('Constants', () => {
  it.each([
    ['bytes', 3, Uint8Array],
    ['halves', 16, Uint16Array],
    ['words', 2, Int32Array],
    ['pairs of words', 10, Float64Array],
  ])('gives %s in another order of axes', (_, type, Elements) => {
    const shape = [2, 3, 4];
    const data = new Elements(Array.from({ length: 24 }, (__, i) => i));
    const constants = new Constants(1000);
    const made = constants.bytes(tensor({ type, shape, data: bytesOf(data) }), [2, 0, 1]);
    const got = new Elements(made.buffer as ArrayBuffer);
    for (let a = 0; a < 2; a++) {
      for (let b = 0; b < 3; b++) {
        for (let c = 0; c < 4; c++) expect(got[c * 6 + a * 3 + b]).toBe(a * 12 + b * 4 + c);
      }
    }
  });

  it.each([
    ['int4', 17, [0x71, 0xf8], [1, 7, -8, -1]],
    ['uint4', 20, [0x71, 0xf8], [1, 7, 8, 15]],
    ['int2', 19, [0b11_10_01_00], [0, 1, -2, -1]],
  ])('unpacks %s', (_, type, packed, expected) => {
    const data = Uint8Array.from(packed);
    const made = new Constants(2).bytes(tensor({ type, shape: [4], data }));
    const Elements = type === 20 ? Uint8Array : Int8Array;
    expect([...new Elements(made.buffer as ArrayBuffer)]).toEqual(expected);
  });
});

describe('dense', () => {
  /** What is stored is 1, 2, 3 ... */
  const numbers = (sparsity: Sparsity, shape: readonly number[], count: number) => {
    const stored = Uint8Array.from({ length: count }, (_, i) => i + 1);
    return [...dense(stored, sparsity, shape, 1)];
  };

  it('lists columns of each row', () => {
    const columns = { segments: [0, 1, 1, 3], indices: [2, 0, 3] };
    const sparsity = { order: [0, 1], blocked: [], levels: [{ extent: 3 }, columns] };
    expect(numbers(sparsity, [3, 4], 3)).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 3]);
  });

  it('lists rows of each column', () => {
    const rows = { segments: [0, 1, 1, 2], indices: [1, 0] };
    const sparsity = { order: [1, 0], blocked: [], levels: [{ extent: 3 }, rows] };
    expect(numbers(sparsity, [2, 3], 2)).toEqual([0, 0, 2, 1, 0, 0]);
  });

  it('lists blocks of rows and columns', () => {
    const blocks = { segments: [0, 1, 2], indices: [1, 0] };
    const levels = [{ extent: 2 }, blocks, { extent: 2 }, { extent: 2 }];
    const sparsity = { order: [0, 1, 2, 3], blocked: [0, 1], levels };
    expect(numbers(sparsity, [4, 4], 8)).toEqual([
      ...[0, 0, 1, 2],
      ...[0, 0, 3, 4],
      ...[5, 6, 0, 0],
      ...[7, 8, 0, 0],
    ]);
  });

  it.each<[string, Sparsity]>([
    ['levels for other axes', { order: [0], blocked: [], levels: [{ extent: 2 }] }],
    ['an axis twice', { order: [0, 0], blocked: [], levels: [{ extent: 2 }, { extent: 2 }] }],
    [
      'a level beyond the shape',
      { order: [0, 1], blocked: [], levels: [{ extent: 3 }, { extent: 1 }] },
    ],
    [
      'endless levels',
      { order: [0, 1], blocked: [], levels: [{ extent: 2 ** 31 }, { segments: [], indices: [] }] },
    ],
  ])('refuses %s', (_, sparsity) => {
    expect(() => numbers(sparsity, [2, 2], 1)).toThrow('has a sparse tensor');
  });
});
