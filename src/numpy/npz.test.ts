import { type Zippable, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { npyBytes } from '../../test/fixtures/npy_bytes.ts';
import { Random } from '../../test/fixtures/random.ts';
import { NumpyError } from './array.ts';
import { readNpy, writeNpy } from './npy.ts';
import { readNpz, writeNpz } from './npz.ts';

/**
 * What numpy.savez_compressed of NumPy 1.24 writes of `x`, 0 to 5 in f32 [2, 3], and `mask/a`, three truth values: with
 * sizes of 64 bits.
 */
const BY_NUMPY = `UEsDBBQAAAAIAAAAIQBP6QAqVQAAAJgAAAAFABQAeC5ucHkBABAAmAAAAAAAAABVAAAAAAAAAJvsF+obEMnIUMZQrZ6SWp
  xcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CsaaOgq1CmQDLgYwaLAHEg5ABMQNQLzAAQBQSwMEFAAAAAgAAAAhABaTjLtH
  AAAAgwAAAAoAFABtYXNrL2EubnB5AQAQAIMAAAAAAAAARwAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBek2SorqOgnpZfVFKUmBefX5SSChJ3S8wpTg
  WKF2ckFqQC+RrGOpo6CrUKFAAuRgZGAFBLAQIUAxQAAAAIAAAAIQBP6QAqVQAAAJgAAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBLAQIUAxQAAAAIAAAA
  IQAWk4y7RwAAAIMAAAAKAAAAAAAAAAAAAACAAYwAAABtYXNrL2EubnB5UEsFBgAAAAACAAIAawAAAA8BAAAAAA==`;

const ARRAY = { shape: [1, 3], data: Float32Array.of(1, 2, 3) };

/** An archive whose directory says another size of its first file than it has. */
function archive(files: Zippable, size?: number): Uint8Array {
  const bytes = zipSync(files, { level: 6 });
  const view = new DataView(bytes.buffer);
  const directory = view.getUint32(bytes.length - 6, true);
  if (size !== undefined) view.setUint32(directory + 24, size, true);
  return bytes;
}

describe('readNpz', () => {
  it('reads what NumPy wrote, compressed', () => {
    const arrays = readNpz(Buffer.from(BY_NUMPY, 'base64'));
    expect([...arrays.keys()]).toEqual(['x', 'mask/a']);
    expect(arrays.get('x')).toEqual({ shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) });
    expect(arrays.get('mask/a')).toEqual({ shape: [3], data: Float32Array.of(1, 0, 1) });
  });

  it('leaves out files that are no arrays', () => {
    const bytes = archive({ 'x.npy': npyBytes({}), 'readme.txt': Uint8Array.of(1) });
    expect([...readNpz(bytes).keys()]).toEqual(['x']);
    expect(readNpz(archive({})).size).toBe(0);
  });

  it.each<readonly [string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(), /"in\.npz": is damaged or no ZIP archive/],
    ['a .npy file', npyBytes({}), /is damaged or no ZIP archive/],
    ['an archive cut short', archive({ 'x.npy': npyBytes({}) }).subarray(0, 90), /is damaged/],
    [
      'what is no array',
      archive({ 'x.npy': Uint8Array.of(1, 2) }),
      /"in\.npz", array "x": expected/,
    ],
    ['2^31 bytes', archive({ 'x.npy': npyBytes({}) }, 2 ** 31), /unfolds into 2147483648 bytes/],
    ['a size too small', archive({ 'x.npy': npyBytes({}) }, 90), /\[2, 3\] takes 24 bytes, 20 are/],
    [
      '5,000 files',
      archive(
        Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${i}`, new Uint8Array()])),
      ),
      /has more than 4096 files/,
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readNpz(bytes, 'in.npz')).toThrow(
      expect.objectContaining({ name: 'NumpyError', message: expect.stringMatching(message) }),
    );
  });

  it('reads damaged files as arrays, or refuses them as what they are', () => {
    const random = new Random(7);
    for (const whole of [
      Buffer.from(BY_NUMPY, 'base64'),
      writeNpz({ x: ARRAY }),
      writeNpy(ARRAY),
    ]) {
      for (let i = 0; i < 500; i++) {
        const bytes = Uint8Array.from(
          whole.subarray(0, random.int(0, 3) ? undefined : random.int(0, 400)),
        );
        for (let n = random.int(1, 4); n > 0 && bytes.length > 0; n--) {
          bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
        }
        for (const read of [readNpz, readNpy]) {
          try {
            read(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(NumpyError);
          }
        }
      }
    }
  });

  it('adds up what files unfold into, before it unpacks the first of them', () => {
    const bytes = archive({ 'x.npy': Uint8Array.of(1), 'y.npy': npyBytes({}) }, 2 ** 30);
    // The first one is no array: that would be said first.
    expect(() => readNpz(bytes)).toThrow(/unfolds into 1073741\d+ bytes; at most 1073741824 are/);
  });
});

describe('writeNpz', () => {
  it('writes what is read back, and the same arrays as the same bytes', () => {
    const arrays = {
      logits: ARRAY,
      '/model/Add_output_0': { shape: [], data: Float32Array.of(-0.5) },
    };
    const bytes = writeNpz(arrays);
    expect(Object.fromEntries(readNpz(bytes))).toEqual(arrays);
    expect(writeNpz(arrays)).toEqual(bytes);
  });
});
