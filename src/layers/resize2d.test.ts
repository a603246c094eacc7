import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { bilinear, exact } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import type { Coordinates } from './coordinates.ts';
import { type Resize2dOptions, resize2d } from './resize2d.ts';

const device = useDevice();

const SHAPES: readonly [Shape, Resize2dOptions][] = [
  [[2, 3, 5, 4], { size: [10, 8] }],
  [[1, 2, 9, 13], { size: [65, 97] }],
  [[1, 3, 7, 6], { size: [3, 11] }],
  [[1, 1, 1, 1], { size: [4, 5] }],
  [[2, 1, 6, 5], { size: 1 }],
  [[1, 2, 6, 5], { scale: [1.5, 0.6] }],
  [[1, 2, 3, 3], { scale: 2 }],
];

const COORDINATES: readonly Coordinates[] = [
  'half_pixel',
  'pytorch_half_pixel',
  'half_pixel_symmetric',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
];

describe('resize2d kernels', () => {
  it.each(SHAPES)('agree with the reference, bilinear: %j %j', async (shape, size) => {
    for (const coordinates of COORDINATES) {
      await checkKernels(device(), {
        op: 'resize2d',
        build: (g) => resize2d(g, g.input('x', shape), { ...size, coordinates }),
        bound: bilinear,
      });
    }
  });

  it.each(SHAPES)('are exact, nearest: %j %j', async (shape, size) => {
    for (const rounding of ['prefer_floor', 'prefer_ceil', 'floor', 'ceil'] as const) {
      await checkKernels(device(), {
        op: 'resize2d',
        build: (g) => resize2d(g, g.input('x', shape), { ...size, mode: 'nearest', rounding }),
        bound: exact,
      });
    }
  });

  it('are exact where a dispatch has several rows of workgroups', async () => {
    await checkKernels(device(), {
      op: 'resize2d',
      build: (g) => resize2d(g, g.input('x', [1, 3, 9, 9]), { scale: 2, mode: 'nearest' }),
      bound: exact,
      workgroupsPerDimension: 4,
    });
  });
});

// The examples of the ONNX operator's description.
describe('resize2d reference', () => {
  const resized = (shape: Shape, x: readonly number[], options: Resize2dOptions) =>
    evaluate((g) => resize2d(g, g.input('x', shape), options), { x });
  const ONE_TO_FOUR = [1, 2, 3, 4];

  it('puts pixels at half-pixel centres by default', () => {
    expect(resized([1, 1, 2, 2], ONE_TO_FOUR, { scale: 2 })).toEqual([
      1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4,
    ]);
  });

  it('puts corners on corners with align_corners', () => {
    const y = resized([1, 1, 2, 2], ONE_TO_FOUR, { scale: 2, coordinates: 'align_corners' });
    const expected = [0, 1, 2, 3].flatMap((row) =>
      [0, 1, 2, 3].map((column) => 1 + (2 * row) / 3 + column / 3),
    );
    y.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] ?? 0, 12);
    });
  });

  it.each([
    ['asymmetric', 'floor', [1, 1, 2, 2]],
    ['half_pixel', 'prefer_floor', [1, 1, 2, 2]],
    ['asymmetric', 'ceil', [1, 2, 2, 2]],
    ['asymmetric', 'prefer_floor', [1, 1, 2, 2]],
    ['asymmetric', 'prefer_ceil', [1, 2, 2, 2]],
  ] as const)('takes the nearest neighbour: %s, %s', (coordinates, rounding, expected) => {
    const options = { size: [1, 4], mode: 'nearest', coordinates, rounding } as const;
    expect(resized([1, 1, 1, 2], [1, 2], options)).toEqual(expected);
  });
});

describe('resize2d shapes', () => {
  const shapeOf = (options: Resize2dOptions): Shape =>
    buildOne((g) => resize2d(g, g.input('x', [1, 2, 5, 7]), options)).output.desc.shape;

  it('are the size, the scaled size rounded down, or that of another value', () => {
    expect(shapeOf({ size: [3, 4] })).toEqual([1, 2, 3, 4]);
    expect(shapeOf({ scale: [0.5, 1.5] })).toEqual([1, 2, 2, 10]);
    // 0.6 as f32, which lies above: what is meant is 3 / 5.
    expect(shapeOf({ scale: Math.fround(0.6) })).toEqual([1, 2, 3, 4]);
    const like = buildOne((g) =>
      resize2d(g, g.input('x', [1, 2, 5, 7]), { like: g.input('z', [1, 3, 8, 9]) }),
    );
    expect(like.output.desc.shape).toEqual([1, 2, 8, 9]);
  });

  it.each<[string, Resize2dOptions, string]>([
    ['no size', {}, 'expects one of size, scale and like, got 0'],
    ['two sizes', { size: 3, scale: 2 }, 'expects one of size, scale and like, got 2'],
    ['a scale that is not positive', { scale: [0, 1] }, 'scale must be positive, got [0, 1]'],
    ['an empty output', { scale: 0.1 }, 'the output would be 0 x 0; it must be at least 1 x 1'],
    ['positions past 32 bits', { size: 2 ** 29 }, 'positions overflow 32 bits'],
  ])('refuse %s', (_, options, message) => {
    expect(() =>
      buildOne((g) => resize2d(g.at('up'), g.input('x', [1, 2, 5, 7]), options)),
    ).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: expect.stringContaining(`resize2d "up": ${message}`),
      }),
    );
  });
});
