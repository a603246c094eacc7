import { describe, expect, it } from 'vitest';
import { graphOf } from '../../test/fixtures/build_one.ts';
import { checkVolume } from '../../test/fixtures/check_volume.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { conv3dReference } from '../../test/fixtures/volume_reference.ts';
import { ANY_GPU } from '../runtime/device_profile.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { prepare } from '../runtime/prepare.ts';
import { reshape } from '../runtime/reshape.ts';
import type { Shape } from '../runtime/tensor.ts';
import { type Conv3dOptions, conv3d, convolve3d } from './conv3d.ts';
import { padding3d, triple } from './volume.ts';

const device = useDevice();

type Case = readonly [what: string, x: Shape, y: Shape, options: Conv3dOptions];

const UNEVEN = { front: 2, top: 0, left: 1, back: 0, bottom: 2, right: 3 };

const CASES: readonly Case[] = [
  ['of one pixel', [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], { channels: 1, kernel: 1 }],
  ['of a kernel of 1', [2, 3, 4, 5, 3], [2, 5, 4, 5, 3], { channels: 5, kernel: 1 }],
  ['of a cube', [1, 3, 5, 7, 6], [1, 4, 3, 5, 4], { channels: 4, kernel: 3 }],
  ['of a batch, padded', [2, 3, 4, 5, 7], [2, 5, 4, 5, 7], { channels: 5, kernel: 3, padding: 1 }],
  [
    'of a cuboid in strides, without bias',
    [2, 2, 7, 9, 8],
    [2, 3, 3, 5, 3],
    { channels: 3, kernel: [3, 1, 4], stride: [2, 2, 2], bias: false },
  ],
  [
    'of sides padded by their own, in groups',
    [2, 6, 3, 4, 5],
    [2, 4, 4, 4, 8],
    { channels: 4, kernel: [2, 3, 2], padding: UNEVEN, groups: 2 },
  ],
  [
    'dilated, in strides',
    [1, 2, 9, 7, 8],
    [1, 3, 4, 3, 3],
    { channels: 3, kernel: [3, 2, 2], dilation: [2, 2, 3], stride: [2, 2, 2], padding: [1, 0, 0] },
  ],
  [
    'of channels by themselves',
    [2, 5, 4, 5, 6],
    [2, 5, 4, 5, 6],
    { channels: 5, kernel: 3, padding: 1, groups: 5 },
  ],
  ['of planes', [2, 3, 5, 6, 7], [2, 4, 5, 4, 5], { channels: 4, kernel: [1, 3, 3] }],
  [
    'of planes, some of them',
    [2, 3, 5, 6, 7],
    [2, 4, 3, 4, 5],
    { channels: 4, kernel: [1, 3, 3], stride: [2, 1, 1] },
  ],
  [
    'of planes, padded in front',
    [1, 2, 3, 4, 5],
    [1, 3, 6, 4, 5],
    {
      channels: 3,
      kernel: [1, 3, 3],
      padding: { ...UNEVEN, top: 1, bottom: 1, right: 1, back: 1 },
    },
  ],
  [
    'along the depth',
    [2, 4, 6, 3, 5],
    [2, 6, 3, 3, 5],
    { channels: 6, kernel: [3, 1, 1], stride: [2, 1, 1], padding: [1, 0, 0], groups: 2 },
  ],
  [
    'of windows side by side, and a rest',
    [2, 3, 7, 4, 5],
    [2, 4, 3, 2, 3],
    { channels: 4, kernel: [2, 3, 3], stride: [2, 1, 1] },
  ],
  ['of the whole depth', [1, 3, 4, 5, 5], [1, 2, 1, 3, 3], { channels: 2, kernel: [4, 3, 3] }],
  [
    'of taps that are in the padding throughout',
    [1, 2, 1, 3, 3],
    [1, 3, 2, 3, 3],
    { channels: 3, kernel: 3, padding: { ...padding3d(1), front: 2 } },
  ],
];

describe('conv3d', () => {
  it.each(CASES)('is a convolution %s: %j to %j by %j', async (_, x, y, options) => {
    await checkVolume(device(), {
      build: (g) => conv3d(g.at('conv'), g.input('x', x), options),
      shape: y,
      expected: (tensor, shape) => {
        const bias = options.bias === false ? undefined : tensor('conv.bias');
        const weights = { weight: tensor('conv.weight'), bias };
        return conv3dReference(tensor('x'), weights, windowOf(options), shape);
      },
    });
  });

  it.each<[Shape, Shape, Shape]>([
    [
      [2, 4, 5, 4, 3],
      [6, 2, 3, 2, 2],
      [2, 6, 3, 3, 2],
    ],
    [
      [2, 4, 5, 4, 3],
      [6, 2, 3, 1, 1],
      [2, 6, 3, 4, 3],
    ],
  ])('takes weights that are computed: %j by %j', async (x, w, y) => {
    const [, , d = 1, h = 1, v = 1] = w;
    const window = windowOf({ channels: 6, kernel: [d, h, v], groups: 2 });
    await checkVolume(device(), {
      build: (g) => {
        const weights = { weight: g.input('w', w), bias: g.input('b', [6]) };
        return convolve3d(g.at('conv'), g.input('x', x), weights, window);
      },
      shape: y,
      expected: (tensor, shape) =>
        conv3dReference(tensor('x'), { weight: tensor('w'), bias: tensor('b') }, window, shape),
    });
  });

  it.each<[string, Conv3dOptions]>([
    ['planes', { channels: 4, kernel: [1, 3, 3] }],
    ['slices', { channels: 4, kernel: [3, 1, 1], padding: [1, 0, 0] }],
    ['the whole depth', { channels: 4, kernel: [4, 3, 3] }],
  ])('of %s of one image copies nothing', (_, options) => {
    const graph = graphOf((g) => conv3d(g, g.input('x', [1, 3, 4, 8, 8]), options));
    const { plan } = prepare(graph, { device: ANY_GPU });
    expect(plan.dispatches.map(({ node }) => node.op.name)).toEqual(['conv2d']);
  });

  it.each<[string, Conv3dOptions['kernel'], Shape]>([
    ['cubes', 3, [3, 4, 2, 4, 4]],
    ['slices', [3, 1, 1], [3, 4, 2, 6, 6]],
  ])('of %s is the same of another batch', (_, kernel, shape) => {
    const graph = graphOf((g) => conv3d(g, g.input('x', [1, 3, 4, 6, 6]), { channels: 4, kernel }));
    const other = reshape(graph, { x: [3, 3, 4, 6, 6] });
    expect(other.outputs.get('y')?.desc.shape).toEqual(shape);
  });

  it.each<[Partial<Conv3dOptions>, string]>([
    [{ kernel: 5 }, 'a kernel of 5 with dilation 1 reaches 5, the input is 4 deep and 4 with'],
    [{ stride: [0, 1, 1] }, 'stride must be integers >= 1, got [0, 1]'],
    [{ padding: [-1, 0, 0] }, 'padding must be integers >= 0, got [-1, 0, -1, 0]'],
    [{ groups: 2 }, 'conv3d "conv": 2 groups must divide 3 input channels'],
  ])('refuses %j', (options, message) => {
    const build = (g: GraphBuilder) =>
      conv3d(g.at('conv'), g.input('x', [1, 3, 4, 6, 6]), { channels: 4, kernel: 3, ...options });
    expect(() => graphOf(build)).toThrow(message);
  });

  it('refuses maps, and kernels of hundreds of taps', () => {
    const of = (shape: Shape, kernel: Conv3dOptions['kernel']) => () =>
      graphOf((g) => conv3d(g, g.input('x', shape), { channels: 1, kernel }));
    expect(of([1, 3, 4, 4], 3)).toThrow(
      'conv3d "conv3d": expects a volume [N, C, D, H, W], got [1, 3, 4, 4]',
    );
    expect(of([1, 1, 400, 2, 2], [300, 2, 2])).toThrow(
      'conv3d "conv3d": expects at most 256 taps along the depth, got 300',
    );
  });
});

function windowOf({ kernel, stride = 1, dilation = 1, padding = 0, groups = 1 }: Conv3dOptions) {
  return {
    kernel: triple(kernel),
    stride: triple(stride),
    dilation: triple(dilation),
    padding: padding3d(padding),
    groups,
  };
}
