import { describe, expect, it } from 'vitest';
import { WeightError } from '../errors.ts';
import { openSafetensors } from './safetensors.ts';

/** A file as the format lays it out; nothing is checked. */
function safetensors(header: unknown, data: Uint8Array | number = 0, headerBytes?: bigint) {
  const json = typeof header === 'string' ? header : JSON.stringify(header);
  const text = new TextEncoder().encode(json);
  const length = new BigUint64Array([headerBytes ?? BigInt(text.length)]);
  const payload = typeof data === 'number' ? new Uint8Array(data) : data;
  return new Uint8Array(Buffer.concat([new Uint8Array(length.buffer), text, payload]));
}

function bytesOf(...arrays: (Float32Array | Uint16Array | BigInt64Array)[]): Uint8Array {
  return new Uint8Array(arrays.flatMap(({ buffer }) => [...new Uint8Array(buffer)]));
}

function entry(dtype: string, shape: readonly number[], begin: number, end: number) {
  return { dtype, shape, data_offsets: [begin, end] };
}

function open(...file: Parameters<typeof safetensors>) {
  return openSafetensors(safetensors(...file), 'x.safetensors');
}

/** Claims that a file is refused with the whole message after the file's name. */
function expectRefused(bytes: Uint8Array, message: string | RegExp): void {
  expect(() => openSafetensors(bytes, 'x.safetensors')).toThrow(WeightError);
  const prefix = 'weights file "x.safetensors": ';
  const expected = typeof message === 'string' ? `${prefix}${message}` : message;
  expect(() => openSafetensors(bytes, 'x.safetensors')).toThrow(expected);
}

/** One tensor of each readable type, one that is only listed, one that is empty; F16 at an odd address. */
function validFile(): Uint8Array {
  const header = {
    __metadata__: { format: 'pt', note: 'text' },
    'conv1.weight': entry('F32', [2, 1, 1, 2], 0, 16),
    'conv1.bias': entry('F16', [2], 16, 20),
    'bn1.weight': entry('BF16', [3], 20, 26),
    'bn1.num_batches_tracked': entry('I64', [], 26, 34),
    empty: entry('F32', [0, 4], 34, 34),
  };
  const data = bytesOf(
    new Float32Array([1.5, -2, 3e-39, NaN]),
    new Uint16Array([0x3c00, 0xfc00]),
    new Uint16Array([0x3f80, 0x8000, 0x7f80]),
    new BigInt64Array([7n]),
  );
  return safetensors(`${JSON.stringify(header)} `, data);
}

describe('openSafetensors', () => {
  it('lists every tensor with its shape and type, and not the metadata', () => {
    const { tensors, name } = openSafetensors(validFile(), 'x.safetensors');
    expect(name).toBe('x.safetensors');
    const listed = [...(tensors ?? [])].map(([key, { dtype, shape }]) => [key, dtype, shape]);
    expect(listed).toEqual([
      ['conv1.weight', 'F32', [2, 1, 1, 2]],
      ['conv1.bias', 'F16', [2]],
      ['bn1.weight', 'BF16', [3]],
      ['bn1.num_batches_tracked', 'I64', []],
      ['empty', 'F32', [0, 4]],
    ]);
  });

  it('reads F32, F16, BF16 and empty tensors as f32', () => {
    const source = openSafetensors(validFile(), 'x.safetensors');
    expect(source.read('conv1.weight', [2, 1, 1, 2])).toEqual(
      new Float32Array([1.5, -2, 3e-39, NaN]),
    );
    expect(source.read('conv1.bias', [2])).toEqual(new Float32Array([1, -Infinity]));
    expect(source.read('bn1.weight', [3])).toEqual(new Float32Array([1, -0, Infinity]));
    expect(source.read('empty', [0, 4])).toEqual(new Float32Array(0));
  });

  it('reads at every alignment, and out of a Node Buffer', () => {
    for (let shift = 0; shift < 8; shift++) {
      const file = validFile();
      const shifted = Buffer.alloc(file.length + shift).subarray(shift);
      shifted.set(file);
      const source = openSafetensors(shifted, 'x.safetensors');
      expect(source.read('conv1.weight', [2, 1, 1, 2])[0]).toBe(1.5);
      expect(source.read('conv1.bias', [2])[0]).toBe(1);
      expect(source.read('bn1.weight', [3])[0]).toBe(1);
    }
  });

  it('gives each reader an array of its own', () => {
    const source = openSafetensors(validFile(), 'x.safetensors');
    source.read('conv1.weight', [2, 1, 1, 2]).fill(9);
    expect(source.read('conv1.weight', [2, 1, 1, 2])[0]).toBe(1.5);
  });

  it('opens tensors in any order, and files without any', () => {
    const source = open({ b: entry('U8', [2], 4, 6), a: entry('F32', [1], 0, 4) }, 6);
    expect(source.read('a', [1])).toEqual(new Float32Array(1));
    expect(open({}).tensors?.size).toBe(0);
  });

  it.each([
    [4, ['F4']],
    [6, ['F6_E2M3', 'F6_E3M2']],
    [8, ['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E4M3FNUZ', 'F8_E5M2', 'F8_E5M2FNUZ', 'F8_E8M0']],
    [16, ['I16', 'U16', 'F16', 'BF16']],
    [32, ['I32', 'U32', 'F32']],
    [64, ['I64', 'U64', 'F64', 'C64']],
  ])('knows the types of %i bits', (bits, dtypes) => {
    for (const dtype of dtypes) {
      const { tensors } = open({ a: entry(dtype, [4], 0, bits / 2) }, bits / 2);
      expect(tensors?.get('a')?.dtype).toBe(dtype);
    }
  });

  it('opens empty tensors wherever they stand', () => {
    const file = {
      full: entry('F32', [1], 0, 4),
      first: entry('F32', [0], 0, 0),
      last: entry('F16', [3, 0], 4, 4),
    };
    expect(open(file, 4).tensors?.size).toBe(3);
  });

  it('takes names of object members for plain names', () => {
    const header = '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const source = open(header, bytesOf(new Float32Array([5])));
    expect([...(source.tensors?.keys() ?? [])]).toEqual(['__proto__']);
    expect(source.read('__proto__', [1])).toEqual(new Float32Array([5]));
    expect(() => source.read('constructor', [1])).toThrow('there is no tensor "constructor"');
  });

  it('refuses to read what is not there, misshapen or of another type', () => {
    const source = openSafetensors(validFile(), 'x.safetensors');
    const read = (name: string, shape: number[]) => () => source.read(name, shape);
    expect(read('fc.weight', [1])).toThrow(
      new WeightError('weights file "x.safetensors": there is no tensor "fc.weight"'),
    );
    expect(read('conv1.bias', [2, 1])).toThrow(
      new WeightError(
        'weights file "x.safetensors": tensor "conv1.bias": expected shape [2, 1], got [2]',
      ),
    );
    expect(read('bn1.num_batches_tracked', [])).toThrow(
      new WeightError(
        'weights file "x.safetensors": tensor "bn1.num_batches_tracked": expected dtype F32, F16 or BF16, got I64',
      ),
    );
  });
});

describe('openSafetensors refuses', () => {
  const GOOD = entry('F32', [1], 0, 4);

  it.each([0, 1, 7])('a file of %i bytes', (length) => {
    expectRefused(
      new Uint8Array(length),
      `the header takes 8 bytes, the file has ${length}, at most 10000000 are read; it is truncated or not`,
    );
  });

  it.each([2n ** 60n, 2n ** 64n - 1n, 2n ** 32n, 3n])('a header length of %i', (claimed) => {
    expectRefused(
      safetensors('{}', 0, claimed),
      `the header takes ${claimed} bytes, the file has 10, at most 10000000 are read; it is truncated or not`,
    );
  });

  it('a header of more than 10 MB', () => {
    const file = new Uint8Array(10_000_010);
    new DataView(file.buffer).setBigUint64(0, 10_000_001n, true);
    expectRefused(
      file,
      'the header takes 10000001 bytes, the file has 10000010, at most 10000000 are read',
    );
  });

  it('a header that is not UTF-8', () => {
    const file = safetensors({ a: GOOD }, 4);
    file[10] = 0xff;
    expectRefused(file, 'the header is not valid UTF-8');
  });

  it.each([
    ['', /must be a JSON object, it starts with ""/],
    ['[1]', /must be a JSON object, it starts with "\[1\]"/],
    ['null', /must be a JSON object, it starts with "null"/],
    ['\uFEFF{}', /must be a JSON object/],
    [' {}', /must be a JSON object/],
    ['{"a": 1', /the header is not JSON: SyntaxError/],
    ['{} x', /the header is not JSON/],
    [`{"a":${'['.repeat(200_000)}`, /the header is not JSON/],
  ])('a header that is no JSON object: %.20s', (header, message) => {
    expectRefused(safetensors(header), message);
  });

  it.each([
    [3, 'expected {dtype, shape, data_offsets}, got 3'],
    [null, 'expected {dtype, shape, data_offsets}, got null'],
    [[GOOD], /expected \{dtype, shape, data_offsets\}, got \[/],
    [{ ...GOOD, dtype: undefined }, /expected a dtype such as F32, BF16 or U8, got nothing/],
    [{ ...GOOD, dtype: 'Q4' }, /expected a dtype such as F32, BF16 or U8, got "Q4"/],
    [{ ...GOOD, dtype: 'f32' }, /got "f32"/],
    [{ ...GOOD, dtype: '__proto__' }, /got "__proto__"/],
    [{ ...GOOD, dtype: 4 }, /got 4/],
    [{ ...GOOD, shape: undefined }, /expected a shape of .* below 2\^53, got nothing/],
    [{ ...GOOD, shape: 1 }, /expected a shape of .*, got 1/],
    [{ ...GOOD, shape: [-1] }, /expected a shape of .*, got \[-1\]/],
    [{ ...GOOD, shape: [0.5] }, /expected a shape of .*, got \[0.5\]/],
    [{ ...GOOD, shape: ['1'] }, /expected a shape of .*, got \["1"\]/],
    [{ ...GOOD, shape: [2 ** 53] }, /expected a shape of .*, got \[9007199254740992\]/],
    [{ ...GOOD, data_offsets: undefined }, /expected data_offsets .*, got nothing/],
    [{ ...GOOD, data_offsets: [0] }, /expected data_offsets .*, got \[0\]/],
    [{ ...GOOD, data_offsets: [0, 4, 8] }, /expected data_offsets .*, got \[0,4,8\]/],
    [{ ...GOOD, data_offsets: [-4, 0] }, /expected data_offsets .*, got \[-4,0\]/],
    [{ ...GOOD, data_offsets: [0, 4.5] }, /expected data_offsets .*, got \[0,4.5\]/],
    [{ ...GOOD, data_offsets: { 0: 0, 1: 4 } }, /expected data_offsets/],
  ])('a malformed entry: %j', (value, message) => {
    expectRefused(
      safetensors({ 'conv1.weight': value }, 4),
      typeof message === 'string' ? `tensor "conv1.weight": ${message}` : message,
    );
  });

  it('an entry nested deeper than the stack, and says so briefly', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    expectRefused(
      safetensors(`{"a":${deep}}`),
      'tensor "a": expected {dtype, shape, data_offsets}, got a value that is nested too deeply',
    );
    expectRefused(safetensors(`{"a":{"dtype":"F32","shape":${deep}}}`), /nested too deeply/);
  });

  it('offsets that end before they begin', () => {
    expectRefused(
      safetensors({ a: entry('F32', [1], 4, 0) }, 4),
      'tensor "a": data_offsets [4, 0] are no part of',
    );
  });

  it('offsets beyond the end of the file', () => {
    expectRefused(
      safetensors({ a: entry('F32', [2], 0, 8) }, 7),
      `tensor "a": data_offsets [0, 8] are no part of the file's 7 bytes of data; it is truncated or damaged`,
    );
    const far = Number.MAX_SAFE_INTEGER;
    expectRefused(safetensors({ a: entry('F32', [0], far, far) }, 4), /no part of the file's 4/);
  });

  it.each([
    ['F32', [3], 8, 'F32 [3] takes 12 bytes, data_offsets give it 8'],
    ['F32', [], 8, 'F32 [] takes 4 bytes, data_offsets give it 8'],
    ['F16', [2, 3], 8, 'F16 [2, 3] takes 12 bytes, data_offsets give it 8'],
    ['F32', [0], 8, 'F32 [0] takes 0 bytes, data_offsets give it 8'],
    ['I64', [2], 8, 'I64 [2] takes 16 bytes, data_offsets give it 8'],
    ['F4', [3], 1, 'F4 [3] takes 1.5 bytes, data_offsets give it 1'],
    ['F32', [2 ** 31, 2 ** 31], 0, /takes 18446744073709552000 bytes/],
    ['F32', [2 ** 52, 2 ** 52, 2 ** 52, 0.25 * 2 ** 52], 0, /takes \d\S+ bytes/],
    ['U8', new Array(30).fill(2 ** 52), 8, /takes Infinity bytes, data_offsets give it 8/],
    ['U8', [...new Array(30).fill(2 ** 52), 0], 8, /takes NaN bytes, data_offsets give it 8/],
  ])('a length that does not fit: %s %j in %i bytes', (dtype, shape, length, message) => {
    expectRefused(
      safetensors({ a: entry(dtype, shape, 0, length) }, length),
      typeof message === 'string' ? `tensor "a": ${message}` : message,
    );
  });

  it('a length that does not fit, beyond the first tensor', () => {
    const file = { a: entry('U8', [4], 0, 4), b: entry('F16', [1], 4, 7) };
    expectRefused(
      safetensors(file, 7),
      'tensor "b": F16 [1] takes 2 bytes, data_offsets give it 3',
    );
  });

  it('overlapping tensors', () => {
    const overlap = { b: entry('F32', [2], 4, 12), a: entry('F32', [2], 0, 8) };
    expectRefused(safetensors(overlap, 12), 'tensor "b" begins at byte 4 of the data, expected 8');
    const same = { a: entry('F32', [1], 0, 4), b: entry('F32', [1], 0, 4) };
    expectRefused(safetensors(same, 4), 'tensor "b" begins at byte 0 of the data, expected 4');
    const within = { a: entry('F32', [2], 0, 8), b: entry('F32', [0], 4, 4) };
    expectRefused(safetensors(within, 8), 'tensor "b" begins at byte 4 of the data, expected 8');
  });

  it.each(['a', '\\u0061'])('a name that stands there twice, as "%s"', (name) => {
    const [first, second] = [entry('F32', [1], 0, 4), entry('F32', [1], 4, 8)];
    const header = `{"a":${JSON.stringify(first)},"${name}":${JSON.stringify(second)}}`;
    expectRefused(
      safetensors(header, 8),
      'tensor "a" begins at byte 4 of the data, expected 0; the format allows neither holes nor',
    );
  });

  it('holes', () => {
    const between = { b: entry('F32', [1], 8, 12), a: entry('F32', [1], 0, 4) };
    expectRefused(
      safetensors(between, 12),
      'tensor "b" begins at byte 8 of the data, expected 4; the format allows neither holes nor',
    );
    expectRefused(
      safetensors({ a: entry('F32', [1], 4, 8) }, 8),
      /tensor "a" begins at byte 4 of the data, expected 0/,
    );
  });

  it('trailing bytes', () => {
    expectRefused(safetensors({ a: GOOD }, 7), 'the file ends at byte 7 of the data, expected 4');
    expectRefused(safetensors({}, 1), /the file ends at byte 1 of the data, expected 0/);
  });

  it('with messages that stay short and printable', () => {
    const long = 'n'.repeat(100_000);
    const files = [
      safetensors({ [long]: GOOD, b: GOOD }, 4),
      safetensors({ [long]: { ...GOOD, dtype: long } }, 4),
      safetensors({ [long]: { ...GOOD, shape: new Array(10_000).fill(1), data_offsets: [0, 0] } }),
      safetensors(long),
    ];
    for (const file of files) expectRefused(file, /^[\x20-\x7e]{1,500}$/);
    expectRefused(safetensors({ 'a\n\u001b[31m': 1 }), /tensor "a\\n\\u001b\[31m"/);
  });
});

describe('openSafetensors under damage', () => {
  const INPUTS = 2_000;

  it('opens and reads, or throws WeightError, and never anything else', () => {
    const random = seededRandom(20261124);
    const outcomes = Array.from({ length: INPUTS }, () => outcomeOf(damaged(validFile(), random)));
    const refused = outcomes.filter((outcome) => outcome === 'refused').length;
    expect(outcomes.filter((outcome) => outcome === 'other')).toEqual([]);
    expect(refused).toBeGreaterThan(INPUTS / 2);
    expect(refused).toBeLessThan(INPUTS);
  });

  /** mulberry32: uniform integers below a bound. */
  function seededRandom(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    };
  }

  /** A quarter of the files are cut, all others have one to four bits flipped. */
  function damaged(file: Uint8Array, random: (below: number) => number): Uint8Array {
    if (random(4) === 0) return file.slice(0, random(file.length));
    for (let flips = 1 + random(4); flips > 0; flips--) {
      const at = random(file.length);
      file[at] = (file[at] ?? 0) ^ (1 << random(8));
    }
    return file;
  }

  function outcomeOf(file: Uint8Array): 'opened' | 'refused' | 'other' {
    try {
      const source = openSafetensors(file, 'x.safetensors');
      for (const [name, { shape, dtype }] of source.tensors ?? []) {
        if (['F32', 'F16', 'BF16'].includes(dtype)) source.read(name, shape);
        else expect(() => source.read(name, shape)).toThrow(WeightError);
      }
      return 'opened';
    } catch (error) {
      return error instanceof WeightError ? 'refused' : 'other';
    }
  }
});
