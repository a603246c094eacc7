import { describe, expect, it } from 'vitest';
import { graphOf } from '../../test/fixtures/build_one.ts';
import { checkVolume } from '../../test/fixtures/check_volume.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { convTranspose3dReference } from '../../test/fixtures/volume_reference.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import {
  type ConvTranspose3dOptions,
  convolveTransposed3d,
  convTranspose3d,
} from './conv_transpose3d.ts';
import { padding3d, triple } from './volume.ts';

const device = useDevice();

type Case = readonly [what: string, x: Shape, y: Shape, options: ConvTranspose3dOptions];

const UNEVEN = { front: 1, top: 0, left: 1, back: 0, bottom: 2, right: 0 };

const CASES: readonly Case[] = [
  ['of one pixel', [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], { channels: 1, kernel: 1 }],
  ['of a kernel of 1', [2, 3, 4, 5, 3], [2, 5, 4, 5, 3], { channels: 5, kernel: 1 }],
  ['of a cube', [1, 3, 3, 4, 5], [1, 4, 5, 6, 7], { channels: 4, kernel: 3 }],
  ['of twice the size', [2, 4, 3, 4, 5], [2, 3, 6, 8, 10], { channels: 3, kernel: 2, stride: 2 }],
  [
    'in strides, padded, with more at the end',
    [2, 3, 3, 4, 2],
    [2, 2, 6, 8, 4],
    { channels: 2, kernel: 3, stride: 2, padding: 1, outputPadding: 1 },
  ],
  [
    'of sides cut by their own, in groups, without bias',
    [1, 6, 4, 3, 3],
    [1, 4, 11, 6, 7],
    { channels: 4, kernel: [3, 2, 4], stride: [3, 3, 2], padding: UNEVEN, groups: 2, bias: false },
  ],
  [
    'dilated by what divides the stride, so that some slices see nothing',
    [2, 2, 3, 3, 4],
    [2, 3, 13, 5, 6],
    { channels: 3, kernel: [3, 2, 2], stride: [4, 1, 1], dilation: [2, 2, 2] },
  ],
  [
    'of strides beyond the kernel, and slices more',
    [1, 2, 3, 2, 2],
    [1, 3, 10, 4, 5],
    { channels: 3, kernel: [1, 2, 2], stride: [4, 2, 3], outputPadding: [1, 0, 0] },
  ],
  [
    'along the depth, with more slices',
    [2, 4, 3, 3, 5],
    [2, 6, 6, 3, 5],
    {
      ...{ channels: 6, kernel: [3, 1, 1], stride: [2, 1, 1], padding: [1, 0, 0], groups: 2 },
      outputPadding: [1, 0, 0],
    },
  ],
  [
    'along the depth, with more columns',
    [1, 2, 3, 3, 2],
    [1, 3, 5, 3, 5],
    { channels: 3, kernel: [3, 1, 1], stride: [1, 1, 3], outputPadding: [0, 0, 1] },
  ],
];

describe('convTranspose3d', () => {
  it.each(CASES)('is a transposed convolution %s: %j to %j by %j', async (_, x, y, options) => {
    await checkVolume(device(), {
      build: (g) => convTranspose3d(g.at('conv'), g.input('x', x), options),
      shape: y,
      expected: (tensor, shape) => {
        const bias = options.bias === false ? undefined : tensor('conv.bias');
        const weights = { weight: tensor('conv.weight'), bias };
        return convTranspose3dReference(tensor('x'), weights, windowOf(options), shape);
      },
    });
  });

  it('takes weights that are computed', async () => {
    const window = windowOf({ channels: 6, kernel: [3, 2, 2], stride: [2, 1, 2], groups: 2 });
    await checkVolume(device(), {
      build: (g) => {
        const weights = { weight: g.input('w', [4, 3, 3, 2, 2]), bias: g.input('b', [6]) };
        return convolveTransposed3d(g.at('conv'), g.input('x', [2, 4, 3, 3, 2]), weights, window);
      },
      shape: [2, 6, 7, 4, 4],
      expected: (tensor, shape) => {
        const weights = { weight: tensor('w'), bias: tensor('b') };
        return convTranspose3dReference(tensor('x'), weights, window, shape);
      },
    });
  });

  it.each<[Partial<ConvTranspose3dOptions>, string]>([
    [{ stride: [0, 1, 1] }, 'stride must be integers >= 1, got [0, 1]'],
    [{ padding: [3, 0, 0] }, 'the padding 3 and 3 leaves nothing of an output 6 deep; give less'],
    [{ outputPadding: [-1, 0, 0] }, 'output padding must be integers >= 0, got [-1, 0]'],
    [{ stride: [257, 1, 1] }, 'expects a stride of at most 256 along the depth, got 257'],
    [{ groups: 2 }, 'conv_transpose3d "up": 2 groups must divide 3 input channels'],
  ])('refuses %j', (options, message) => {
    const build = (g: GraphBuilder) =>
      convTranspose3d(g.at('up'), g.input('x', [1, 3, 4, 6, 6]), {
        channels: 4,
        kernel: 3,
        ...options,
      });
    expect(() => graphOf(build)).toThrow(message);
  });
});

function windowOf(options: ConvTranspose3dOptions) {
  const { kernel, stride = 1, dilation = 1, padding = 0, outputPadding = 0, groups = 1 } = options;
  return {
    kernel: triple(kernel),
    stride: triple(stride),
    dilation: triple(dilation),
    padding: padding3d(padding),
    outputPadding: triple(outputPadding),
    groups,
  };
}
