import { describe, expect, it } from 'vitest';
import type { Box } from './boxes.ts';
import { boxesIn } from './detector_boxes.ts';
import { type DetectorFamily, detectorFamilies } from './detector_family.ts';
import type { Fit, Preprocessing } from './preprocessing.ts';

const letterbox: Fit = { mode: 'letterbox' };

function prepared(fit: Fit, size: readonly [number, number]): Preprocessing {
  return { channels: 'rgb', size, fit, mean: [0, 0, 0], std: [1, 1, 1] };
}

/** Where a picture of 200 x 100 is in what the network sees: its scale, and its left and upper edge. */
const SIGHTS: readonly (readonly [
  what: string,
  fit: Fit,
  size: readonly [number, number],
  x: readonly [scale: number, from: number],
  y: readonly [scale: number, from: number],
])[] = [
  ['a letterbox', letterbox, [64, 64], [0.32, 0], [0.32, 16]],
  ['a letterbox that is tall', letterbox, [80, 40], [0.2, 0], [0.2, 30]],
  ['a letterbox that is wide', letterbox, [50, 160], [0.5, 30], [0.5, 0]],
  ['stretching', { mode: 'stretch' }, [64, 64], [0.32, 0], [0.64, 0]],
  ['the middle', { mode: 'shorter-side', length: 50 }, [40, 40], [0.5, -30], [0.5, -5]],
];

/** A thing in the picture. */
const THING: Box = { left: 80, top: 30, width: 30, height: 40 };

function numbersOf(
  { boxes, unit }: DetectorFamily,
  [height, width]: readonly [number, number],
  [left, top, right, bottom]: readonly [number, number, number, number],
): readonly number[] {
  const numbers =
    boxes === 'edges'
      ? [left, top, right, bottom]
      : [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top];
  return unit === 'input' ? numbers.map((n, i) => n / (i % 2 === 0 ? width : height)) : numbers;
}

describe('boxesIn', () => {
  const families = Object.entries(detectorFamilies).filter(([, { unit }]) => unit !== 'cell');
  it.each(
    families.flatMap(([name, family]) =>
      SIGHTS.map((sight) => [name, sight[0], family, sight] as const),
    ),
  )('%s finds a thing through %s', (_name, _what, family, [, fit, size, [sx, x], [sy, y]]) => {
    const { left, top, width, height } = THING;
    const seen = [left * sx + x, top * sy + y, (left + width) * sx + x, (top + height) * sy + y];
    const [a = 0, b = 0, c = 0, d = 0] = seen;
    const boxes = Float32Array.from([0, 0, 0, 0, ...numbersOf(family, size, [a, b, c, d])]);
    const picture = { width: 200, height: 100 };
    const reading = { family, preprocessing: prepared(fit, size) };
    const box = boxesIn(picture, { boxes, anchors: Float32Array.of(0, 0) }, reading)(1);
    for (const [side, value] of Object.entries(THING)) {
      expect(box?.[side as keyof Box], side).toBeCloseTo(value, 4);
    }
  });

  // YOLOX: anchors are the cells of 8 pixels, then of 16, then of 32; here 8 x 4, 4 x 2 and 2 x 1 of them.
  it.each([
    [0, [0.5, 0.25, 0, 0], [4, 2, 8, 8]],
    [9, [0, 0, Math.log(2), Math.log(3)], [8, 8, 16, 24]],
    [32 + 5, [0.5, 0.5, 0, Math.log(2)], [24, 24, 16, 32]],
    [32 + 8 + 1, [0.5, 0.5, Math.log(0.5), 0], [48, 16, 16, 32]],
  ])('decodes cell %i', (anchor, numbers, [x = 0, y = 0, width = 0, height = 0]) => {
    const reading = {
      family: detectorFamilies.yolox,
      preprocessing: prepared(letterbox, [32, 64]),
    };
    const candidates = { boxes: Float32Array.from(numbers), anchors: Float32Array.of(anchor) };
    const box = boxesIn({ width: 64, height: 32 }, candidates, reading)(0);
    expect(box?.left).toBeCloseTo(x - width / 2, 4);
    expect(box?.top).toBeCloseTo(y - height / 2, 4);
    expect(box?.width).toBeCloseTo(width, 4);
    expect(box?.height).toBeCloseTo(height, 4);
  });

  it.each([
    ['without width', [20, 20, 0, 10]],
    ['that is no number', [Number.NaN, 20, 10, 10]],
    ['turned inside out', [20, 20, -5, 10]],
  ])('gives no box %s', (_, numbers) => {
    const reading = {
      family: detectorFamilies.yolov8,
      preprocessing: prepared(letterbox, [64, 64]),
    };
    const candidates = { boxes: Float32Array.from(numbers), anchors: Float32Array.of(0) };
    expect(boxesIn({ width: 64, height: 64 }, candidates, reading)(0)).toBeUndefined();
  });
});
