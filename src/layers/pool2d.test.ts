import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { exact, mean } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import {
  type AveragePool2dOptions,
  averagePool2d,
  maxPool2d,
  type Pool2dOptions,
} from './pool2d.ts';
import { pair } from './window.ts';

interface PoolCase extends AveragePool2dOptions {
  readonly x: Shape;
}

const CASES: readonly [claim: string, test: PoolCase][] = [
  ['a 2x2 window', { x: [1, 3, 8, 6], kernel: 2 }],
  ['a window that does not divide the image', { x: [2, 3, 7, 9], kernel: 2 }],
  [
    'windows that overlap: 3x3, stride 2, padding 1',
    { x: [1, 5, 11, 8], kernel: 3, stride: 2, padding: 1 },
  ],
  ['windows with gaps: 2x2, stride 3', { x: [1, 3, 9, 10], kernel: 2, stride: 3 }],
  ['a 1x1 window, stride 2', { x: [2, 2, 5, 6], kernel: 1, stride: 2 }],
  ['a window of 3x2, strides 1 and 2', { x: [1, 3, 6, 9], kernel: [3, 2], stride: [1, 2] }],
  ['the whole image', { x: [2, 17, 7, 5], kernel: [7, 5] }],
  ['one pixel', { x: [3, 5, 1, 1], kernel: 1 }],
  ['one pixel, padded', { x: [3, 5, 1, 1], kernel: 3, padding: 1 }],
  ['one row', { x: [1, 2, 1, 33], kernel: [1, 3], stride: [1, 2], padding: [0, 1] }],
  [
    'padding that differs on all sides',
    { x: [1, 3, 6, 7], kernel: 3, padding: { top: 0, left: 1, bottom: 2, right: 1 }, stride: 2 },
  ],
  [
    'ceil mode, a window that hangs over the end',
    { x: [1, 3, 6, 8], kernel: 3, stride: 2, ceilMode: true },
  ],
  ['ceil mode with padding', { x: [2, 3, 6, 7], kernel: 3, stride: 2, padding: 1, ceilMode: true }],
  [
    'ceil mode, windows that are larger than the image',
    { x: [2, 3, 2, 9], kernel: [3, 10], stride: [2, 4], ceilMode: true },
  ],
  [
    'ceil mode, a window that would begin behind the image',
    { x: [1, 2, 4, 5], kernel: 2, stride: 3, padding: 1, ceilMode: true },
  ],
];

const device = useDevice();

async function checkMax({ x, ...options }: PoolCase): Promise<void> {
  await checkKernels(device(), {
    op: 'max_pool2d',
    build: (g) => maxPool2d(g, g.input('x', x), options),
    bound: exact,
  });
}

async function checkAverage({ x, ...options }: PoolCase): Promise<void> {
  const [height, width] = pair(options.kernel);
  await checkKernels(device(), {
    op: 'average_pool2d',
    build: (g) => averagePool2d(g, g.input('x', x), options),
    bound: mean(height * width),
  });
}

function randomCase(random: Random): PoolCase {
  const side = () => {
    const kernel = random.int(1, 4);
    const dilation = random.pick([1, 1, 1, 2]);
    const reach = dilation * (kernel - 1) + 1;
    // As in torch: at most half of the window is padding, so that every window sees the image.
    const before = random.int(0, Math.floor(kernel / 2));
    const after = random.int(0, Math.floor(kernel / 2));
    const extent = reach + random.int(0, 8);
    return { kernel, dilation, before, after, extent, stride: random.int(1, 4) };
  };
  const [h, w] = [side(), side()];
  return {
    x: [random.int(1, 2), random.int(1, 5), h.extent, w.extent],
    kernel: [h.kernel, w.kernel],
    stride: [h.stride, w.stride],
    dilation: [h.dilation, w.dilation],
    padding: { top: h.before, left: w.before, bottom: h.after, right: w.after },
    ceilMode: random.chance(0.5),
    countIncludePad: random.chance(0.5),
  };
}

describe('max_pool2d kernels', () => {
  it.each(CASES)('are exact for %s', (_, test) => checkMax(test));

  it.each([
    ['dilation 2', { x: [1, 3, 8, 9], kernel: 3, dilation: 2, stride: 1 }],
    [
      'dilations 1 and 3, ceil mode',
      { x: [1, 3, 8, 9], kernel: 2, dilation: [1, 3], ceilMode: true },
    ],
    ['dilation 2, padding 1', { x: [1, 3, 8, 9], kernel: 3, dilation: 2, padding: 1 }],
  ] as const)('are exact for %s', (_, test) => checkMax(test));

  it('are exact for values below zero only, where a zero from the padding would win', () =>
    checkKernels(device(), {
      op: 'max_pool2d',
      build: (g) => maxPool2d(g, g.input('x', [1, 1, 4, 4]), { kernel: 3, padding: 1, stride: 1 }),
      inputs: { x: Float32Array.from({ length: 16 }, (_, i) => -1 - i) },
      bound: exact,
    }));

  it.each(seeds(20))('are exact for the random shape of seed %i', async (seed) => {
    await checkMax(randomCase(new Random(seed)));
  });
});

describe('average_pool2d kernels', () => {
  it.each(CASES)('agree with the reference for %s, counting padding', (_, test) =>
    checkAverage({ ...test, countIncludePad: true }),
  );

  it.each(CASES)('agree with the reference for %s, not counting padding', (_, test) =>
    checkAverage({ ...test, countIncludePad: false }),
  );

  it.each(seeds(20))('agree with the reference for the random shape of seed %i', async (seed) => {
    await checkAverage(randomCase(new Random(seed)));
  });
});

/** 1, 2, 3, ... */
function ramp(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => i + 1);
}

function poolOf(
  pool: typeof maxPool2d | typeof averagePool2d,
  shape: Shape,
  options: AveragePool2dOptions,
  x = ramp(shape.reduce((product, extent) => product * extent)),
): readonly number[] {
  return evaluate((g) => pool(g, g.input('x', shape), options), { x });
}

const NOT_SYMMETRIC = { top: 1, left: 0, bottom: 0, right: 1 };

describe('max_pool2d reference', () => {
  // Those of 4x4 and 5x5 images are worked examples of the ONNX operator MaxPool.
  it.each<[string, Shape, Pool2dOptions, number[]]>([
    ['2x2', [1, 1, 4, 4], { kernel: 2 }, [6, 8, 14, 16]],
    [
      '3x3, stride 2, ceil mode',
      [1, 1, 4, 4],
      { kernel: 3, stride: 2, ceilMode: true },
      [11, 12, 15, 16],
    ],
    ['3x3, stride 2', [1, 1, 4, 4], { kernel: 3, stride: 2 }, [11]],
    ['2x2, dilation 2', [1, 1, 4, 4], { kernel: 2, stride: 1, dilation: 2 }, [11, 12, 15, 16]],
    [
      '5x5, padding 2',
      [1, 1, 5, 5],
      { kernel: 5, stride: 1, padding: 2 },
      [
        13,
        14,
        15,
        15,
        15,
        18,
        19,
        20,
        20,
        20,
        ...Array.from({ length: 3 }, () => [23, 24, 25, 25, 25]).flat(),
      ],
    ],
    [
      '2x2, padding above and right',
      [1, 1, 2, 3],
      { kernel: 2, stride: 1, padding: NOT_SYMMETRIC },
      [2, 3, 3, 5, 6, 6],
    ],
    ['2 images of 2 channels', [2, 2, 1, 2], { kernel: [1, 2] }, [2, 4, 6, 8]],
  ])('%s gives the values worked out by hand', (_, shape, options, expected) => {
    expect(poolOf(maxPool2d, shape, options)).toEqual(expected);
  });

  it('never takes the padding, even if all values are negative', () => {
    const x = Float32Array.of(-4, -3, -2, -1);
    expect(poolOf(maxPool2d, [1, 1, 2, 2], { kernel: 2, stride: 2, padding: 1 }, x)).toEqual([
      -4, -3, -2, -1,
    ]);
  });
});

describe('average_pool2d reference', () => {
  it.each<[string, Shape, AveragePool2dOptions, number[]]>([
    ['2x2', [1, 1, 4, 4], { kernel: 2 }, [3.5, 5.5, 11.5, 13.5]],
    // ONNX: averagepool_2d_ceil. The overhanging cells do not count.
    [
      '3x3, stride 2, ceil mode',
      [1, 1, 4, 4],
      { kernel: 3, stride: 2, ceilMode: true },
      [6, 7.5, 12, 13.5],
    ],
    // ONNX: averagepool_2d_precomputed_pads, its first and last row, and the same counting the padding.
    [
      '5x5, padding 2, not counting it',
      [1, 1, 5, 5],
      { kernel: 5, stride: [4, 1], padding: 2, countIncludePad: false },
      [7, 7.5, 8, 8.5, 9, 17, 17.5, 18, 18.5, 19],
    ],
    [
      '5x5, padding 2, counting it',
      [1, 1, 5, 5],
      { kernel: 5, stride: [4, 1], padding: 2 },
      [
        63 / 25,
        90 / 25,
        120 / 25,
        102 / 25,
        81 / 25,
        153 / 25,
        210 / 25,
        270 / 25,
        222 / 25,
        171 / 25,
      ],
    ],
    // Row 1: (0 + 1)/2, (2 + 3)/2, then 4 and the padding behind it; what hangs over that does not count.
    [
      '1x2, stride 2, padding left and right, ceil mode, counting it',
      [1, 1, 1, 4],
      { kernel: [1, 2], stride: 2, padding: [0, 1], ceilMode: true },
      [0.5, 2.5, 2],
    ],
    // Windows begin at -1, 1 and 3; the last has 4, 5 and one cell of padding, the fourth hangs over.
    [
      '1x4, stride 2, padding 1, ceil mode, counting it',
      [1, 1, 1, 5],
      { kernel: [1, 4], stride: 2, padding: [0, 1], ceilMode: true },
      [6 / 4, 14 / 4, 9 / 3],
    ],
    [
      '1x4, stride 2, padding 1, ceil mode, not counting it',
      [1, 1, 1, 5],
      { kernel: [1, 4], stride: 2, padding: [0, 1], ceilMode: true, countIncludePad: false },
      [6 / 3, 14 / 4, 9 / 2],
    ],
    [
      '2x2, padding above and right, counting it',
      [1, 1, 2, 3],
      { kernel: 2, stride: 1, padding: NOT_SYMMETRIC },
      [3 / 4, 5 / 4, 3 / 4, 12 / 4, 16 / 4, 9 / 4],
    ],
    [
      '2x2, padding above and right, not counting it',
      [1, 1, 2, 3],
      { kernel: 2, stride: 1, padding: NOT_SYMMETRIC, countIncludePad: false },
      [3 / 2, 5 / 2, 3, 12 / 4, 16 / 4, 9 / 2],
    ],
  ])('%s gives the values worked out by hand', (_, shape, options, expected) => {
    expect(poolOf(averagePool2d, shape, options)).toEqual(expected);
  });
});

describe('pooling shapes', () => {
  it.each<[Shape, Pool2dOptions, Shape]>([
    [[1, 64, 112, 112], { kernel: 3, stride: 2, padding: 1 }, [1, 64, 56, 56]],
    [[1, 64, 55, 55], { kernel: 3, stride: 2 }, [1, 64, 27, 27]],
    [[1, 1, 5, 5], { kernel: 2 }, [1, 1, 2, 2]],
    [[1, 1, 5, 5], { kernel: 2, ceilMode: true }, [1, 1, 3, 3]],
    // The third window would begin at 6 of 4 + 1, behind the image: torch drops it.
    [[1, 1, 4, 4], { kernel: 2, stride: 3, padding: 1, ceilMode: true }, [1, 1, 2, 2]],
    [[1, 1, 2, 2], { kernel: 3, stride: 2, ceilMode: true }, [1, 1, 1, 1]],
    [[1, 1, 9, 9], { kernel: 3, dilation: [2, 3], stride: [1, 2] }, [1, 1, 5, 2]],
  ])('%j with %j gives %j', (shape, options, expected) => {
    const node = buildOne((g) => maxPool2d(g, g.input('x', shape), options));
    expect(node.output.desc.shape).toEqual(expected);
  });

  it.each<[string, Shape, Pool2dOptions, string]>([
    [
      'windows that are higher than the padded image',
      [1, 3, 4, 9],
      { kernel: 7, padding: 1 },
      'max_pool2d "pool": a kernel of 7 with dilation 1 reaches 7, the input is 4 high and 6 with padding; give a larger input',
    ],
    [
      'windows that are wider than the image',
      [1, 3, 9, 4],
      { kernel: 3, dilation: 2 },
      'max_pool2d "pool": a kernel of 3 with dilation 2 reaches 5, the input is 4 wide and 4 with padding; give a larger input',
    ],
    [
      'strides of 0',
      [1, 3, 9, 9],
      { kernel: 3, stride: 0 },
      'max_pool2d "pool": stride must be integers >= 1, got [0, 0]',
    ],
    [
      'broken kernels',
      [1, 3, 9, 9],
      { kernel: 1.5 },
      'max_pool2d "pool": kernel must be integers >= 1, got [1.5, 1.5]',
    ],
    [
      'dilations of 0',
      [1, 3, 9, 9],
      { kernel: 3, dilation: [1, 0] },
      'max_pool2d "pool": dilation must be integers >= 1, got [1, 0]',
    ],
    [
      'negative padding',
      [1, 3, 9, 9],
      { kernel: 3, padding: [-1, 0] },
      'max_pool2d "pool": padding must be integers >= 0, got [-1, 0, -1, 0]',
    ],
    [
      'windows that lie in the padding',
      [1, 3, 9, 9],
      { kernel: 2, padding: [0, 2] },
      'max_pool2d "pool": some window lies in the padding; give less padding',
    ],
    [
      'windows whose taps lie on both sides of the image',
      [1, 3, 1, 9],
      { kernel: 2, dilation: 2, padding: 1 },
      'max_pool2d "pool": some window lies in the padding; give less padding',
    ],
    [
      'inputs that are no feature maps',
      [1, 3],
      { kernel: 2 },
      'max_pool2d "pool": expects a feature map [N, C, H, W], got [1, 3]',
    ],
  ])('refuse %s', (_, shape, options, message) => {
    expect(() => buildOne((g) => maxPool2d(g.at('pool'), g.input('x', shape), options))).toThrow(
      expect.objectContaining({ name: 'ShapeError', message }),
    );
  });
});
