import { describe, expect, it } from 'vitest';
import { buildOne, evaluate, graphOf } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { resizeAxis } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import type { Coordinates } from './coordinates.ts';
import { type ResizedAxis, type ResizeOptions, resize } from './resize.ts';

const device = useDevice();

const COORDINATES: readonly Coordinates[] = [
  'half_pixel',
  'pytorch_half_pixel',
  'half_pixel_symmetric',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
];

const AXES: readonly [Shape, ResizedAxis][] = [
  [[9], { axis: 0, size: 23 }],
  [[2, 3, 7], { axis: 2, scale: 0.6 }],
  [[2, 13, 5], { axis: 1, size: 4 }],
  [[1, 2, 6, 5], { axis: 2, scale: 2.5 }],
  [[2, 1, 3, 4, 3], { axis: 1, size: 3 }],
  [[3, 5, 2, 2, 2], { axis: 0, size: 1 }],
  // What rounds up to a size.
  [[1, 8, 3], { axis: 1, scale: 0.45, size: 4 }],
];

describe('resize_axis kernel', () => {
  const check = (shape: Shape, axis: ResizedAxis, options: ResizeOptions) =>
    checkKernels(device(), {
      op: 'resize_axis',
      build: (g) => relu(g.at('relu'), resize(g, g.input('x', shape), [axis], options)),
      bound: resizeAxis,
      workgroupsPerDimension: 3,
    });

  it.each(AXES)('agrees with the reference, cubic: %j %j', async (shape, axis) => {
    for (const coordinates of COORDINATES) {
      await check(shape, axis, { filter: 'cubic', coordinates });
    }
    await check(shape, axis, { filter: 'cubic', cubic: -0.5, excludeOutside: true });
  });

  it.each(AXES)('agrees with the reference, without aliasing: %j %j', async (shape, axis) => {
    for (const filter of ['linear', 'cubic'] as const) {
      await check(shape, axis, { filter, antialias: true });
      await check(shape, axis, { filter, antialias: true, excludeOutside: true });
    }
  });

  it.each<[ResizedAxis['crop']]>([
    [{ from: 0.2, to: 0.7, value: 0.5 }],
    [{ from: -0.25, to: 1.5, value: 0.5 }],
    [{ from: 1.1, to: -0.3, value: 0 }],
    // No simple fractions: positions are rounded to what 32 bits hold.
    [{ from: Math.SQRT1_2, to: Math.LOG10E, value: 0 }],
  ])('agrees with the reference, cropped: %j', async (crop) => {
    for (const filter of ['nearest', 'linear', 'cubic'] as const) {
      await check([2, 7, 3], { axis: 1, size: 11, ...(crop && { crop }) }, { filter });
      await check([2, 7, 3], { axis: 1, size: 1, ...(crop && { crop }) }, { filter });
    }
  });

  it('is exact, nearest', async () => {
    for (const rounding of ['prefer_floor', 'prefer_ceil', 'floor', 'ceil'] as const) {
      await check([2, 9, 3], { axis: 1, size: 13 }, { filter: 'nearest', rounding });
    }
  });
});

/** Of [1, 2, 3, 4]. */
function resized(axis: Omit<ResizedAxis, 'axis'>, options: ResizeOptions): readonly number[] {
  const build = (g: Parameters<typeof resize>[0]) =>
    resize(g, g.input('x', [4]), [{ axis: 0, ...axis }], options);
  return evaluate(build, { x: [1, 2, 3, 4] });
}

describe('resize', () => {
  it('leaves an axis alone that is not named, whatever the others are', () => {
    const x = Array.from({ length: 24 }, (_, i) => i);
    const options = {
      filter: 'nearest',
      coordinates: 'tf_half_pixel_for_nn',
      rounding: 'ceil',
    } as const;
    const of = (axes: readonly ResizedAxis[]) =>
      evaluate((g) => resize(g, g.input('x', [1, 2, 3, 4]), axes, options), { x });
    const rows = of([{ axis: 2, size: 2 }]);
    expect(rows.map((value) => value % 4)).toEqual([
      0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,
    ]);
  });

  it('refuses an axis that is given twice', () => {
    const twice = [3, 7].map((size) => ({ axis: 1, size }));
    expect(() => buildOne((g) => resize(g, g.input('x', [2, 4]), twice))).toThrow(
      'resize "resize": axis 1 is given twice; name each once',
    );
  });

  it('is the cubic convolution', () => {
    // At 0.25: taps at distances 1.25, 0.25, 0.75, 1.75, of which the first is the edge. At 0.75 mirrored.
    const weights = [-0.10546875, 0.87890625, 0.26171875, -0.03515625];
    const dot = (taps: readonly number[]) =>
      taps.reduce((sum, tap, i) => sum + tap * (weights[i] ?? 0), 0);
    const [, second, third] = resized({ scale: 2 }, { filter: 'cubic' });
    expect(second).toBeCloseTo(dot([1, 1, 2, 3]), 12);
    expect(third).toBeCloseTo(dot([3, 2, 1, 1]), 12);
  });

  it('averages what becomes smaller where it is not to alias', () => {
    // Triangles of twice the width: (1/4 3/4 3/4 1/4) / 2, the edges going on.
    expect(resized({ size: 2 }, { antialias: true })).toEqual([13 / 8, 27 / 8]);
    const excluded = resized({ size: 2 }, { antialias: true, excludeOutside: true });
    expect(excluded).toEqual([12 / 7, 23 / 7]);
  });

  it('shows the part of a crop, and its value outside', () => {
    const crop = { from: -1 / 3, to: 1, value: 9 };
    expect(resized({ size: 5, crop }, { filter: 'linear' })).toEqual([9, 1, 2, 3, 4]);
  });

  it('leaves out axes that stay, and takes those first that become smaller', () => {
    const { nodes } = graphOf((g) =>
      resize(g, g.input('x', [4, 5, 6]), [
        { axis: 0, size: 8 },
        { axis: 1, size: 5 },
        { axis: 2, scale: 0.5 },
      ]),
    );
    expect(nodes.map(({ output }) => output.desc.shape)).toEqual([
      [4, 5, 3],
      [8, 5, 3],
    ]);
  });

  it('of images is one layer', () => {
    const both = [
      { axis: 3, scale: 2 },
      { axis: 2, scale: 3 },
    ];
    const node = buildOne((g) => resize(g, g.input('x', [1, 2, 4, 5]), both));
    expect([node.op.name, node.output.desc.shape]).toEqual(['resize2d', [1, 2, 12, 10]]);
  });

  it.each<[string, ResizedAxis, string]>([
    ['no size', { axis: 0 }, 'expects a size or a scale'],
    ['an axis that is not there', { axis: 2, size: 3 }, 'expects a tensor with an axis 2, got'],
    ['a scale that is not positive', { axis: 0, scale: -1 }, 'scale must be positive, got -1'],
    ['an empty output', { axis: 0, scale: 0.1 }, 'axis 0 would be 0 long'],
    ['too large an output', { axis: 0, size: 2 ** 40 }, 'positions overflow 32 bits'],
    [
      'a crop from nowhere',
      { axis: 0, size: 2, crop: { from: Number.NaN, to: 1, value: 0 } },
      'expects finite numbers',
    ],
  ])('refuses %s', (_, axis, message) => {
    expect(() => buildOne((g) => resize(g.at('up'), g.input('x', [4, 2]), [axis]))).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: expect.stringContaining(`resize_axis "up": ${message}`),
      }),
    );
  });
});
