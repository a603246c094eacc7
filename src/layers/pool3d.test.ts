import { describe, expect, it } from 'vitest';
import { graphOf } from '../../test/fixtures/build_one.ts';
import { checkVolume } from '../../test/fixtures/check_volume.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { pool3dReference } from '../../test/fixtures/volume_reference.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { averagePool3d, maxPool3d, type Pool3dOptions } from './pool3d.ts';
import { padding3d, triple } from './volume.ts';

const device = useDevice();

type Case = readonly [what: string, x: Shape, y: Shape, options: Pool3dOptions];

const UNEVEN = { front: 0, top: 1, left: 1, back: 1, bottom: 0, right: 1 };

const CASES: readonly Case[] = [
  ['one pixel', [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], { kernel: 1 }],
  ['cubes', [2, 3, 5, 7, 6], [2, 3, 2, 3, 3], { kernel: 2 }],
  [
    'cubes that overlap, padded',
    [2, 3, 5, 6, 7],
    [2, 3, 3, 3, 4],
    { kernel: 3, stride: 2, padding: 1 },
  ],
  [
    'what hangs over',
    [1, 2, 6, 8, 9],
    [1, 2, 3, 4, 4],
    { kernel: 3, stride: [2, 2, 2], ceilMode: true },
  ],
  [
    'windows that are larger than the volume',
    [1, 2, 2, 5, 1],
    [1, 2, 1, 2, 1],
    { kernel: 3, stride: [2, 2, 3], ceilMode: true },
  ],
  [
    'what hangs over, padded by sides of their own',
    [1, 2, 4, 5, 7],
    [1, 2, 2, 3, 4],
    { kernel: [3, 2, 3], stride: [3, 2, 2], padding: UNEVEN, ceilMode: true },
  ],
  [
    'dilated cuboids',
    [2, 2, 7, 6, 9],
    [2, 2, 3, 3, 3],
    { kernel: [3, 2, 3], stride: [1, 2, 2], dilation: [2, 1, 2] },
  ],
  ['planes', [2, 3, 4, 5, 6], [2, 3, 4, 3, 4], { kernel: [1, 3, 3], stride: 1 }],
  ['slices', [2, 3, 5, 4, 3], [2, 3, 2, 4, 3], { kernel: [3, 1, 1], stride: [2, 1, 1] }],
  ['every other pixel', [1, 2, 5, 4, 3], [1, 2, 3, 2, 2], { kernel: 1, stride: 2 }],
];

describe('maxPool3d', () => {
  it.each(CASES)('takes the largest of %s: %j to %j by %j', async (_, x, y, options) => {
    await checkVolume(device(), {
      build: (g) => maxPool3d(g.at('pool'), g.input('x', x), options),
      shape: y,
      expected: (tensor, shape) =>
        pool3dReference(tensor('x'), windowOf(options), shape, (seen) => Math.max(...seen)),
    });
  });
});

describe('averagePool3d', () => {
  const cases = CASES.flatMap(([what, x, y, options]) =>
    [true, false].map((countIncludePad) => ({ what, x, y, options, countIncludePad })),
  );
  it.each(cases)(
    'takes the mean of $what, padding counted $countIncludePad: $x to $y by $options',
    async ({ x, y, options, countIncludePad }) => {
      await checkVolume(device(), {
        build: (g) => averagePool3d(g.at('pool'), g.input('x', x), { ...options, countIncludePad }),
        shape: y,
        expected: (tensor, shape) =>
          pool3dReference(tensor('x'), windowOf(options), shape, (seen, onInput, onPadding) => {
            const sum = seen.reduce((total, value) => total + value, 0);
            return sum / (countIncludePad ? onPadding : onInput);
          }),
      });
    },
  );

  it.each<[Partial<Pool3dOptions>, string]>([
    [{ kernel: [5, 1, 1] }, 'a kernel of 5 with dilation 1 reaches 5'],
    [{ stride: [0, 1, 1] }, 'stride must be integers >= 1'],
    [{ padding: [3, 0, 0] }, 'some window lies in the padding'],
  ])('refuses %j', (options, message) => {
    const build = (g: GraphBuilder) =>
      averagePool3d(g, g.input('x', [1, 3, 4, 6, 6]), { kernel: 2, ...options });
    expect(() => graphOf(build)).toThrow(message);
  });

  it('refuses maps', () => {
    const build = (g: GraphBuilder) => averagePool3d(g, g.input('x', [1, 3, 4, 6]), { kernel: 2 });
    expect(() => graphOf(build)).toThrow(
      'average_pool3d "average_pool3d": expects a volume [N, C, D, H, W], got [1, 3, 4, 6]',
    );
  });
});

function windowOf({ kernel, stride = kernel, dilation = 1, padding = 0 }: Pool3dOptions) {
  return {
    kernel: triple(kernel),
    stride: triple(stride),
    dilation: triple(dilation),
    padding: padding3d(padding),
  };
}
