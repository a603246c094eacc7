import { describe, expect, it } from 'vitest';
import { buildOne, graphOf } from '../../test/fixtures/build_one.ts';
import { bestGuesses, checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { buildConv2d, type Conv2dCase, randomConv2d } from '../../test/fixtures/conv2d_case.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { profileOf } from '../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { dotProduct, winograd as winogradBound } from '../../test/fixtures/rounding_bounds.ts';
import { smallTiles, smallWinograd } from '../../test/fixtures/small_tiles.ts';
import type { DeviceProfile } from '../runtime/device_profile.ts';
import type { Candidate } from '../runtime/kernel.ts';
import { Session } from '../runtime/session.ts';
import { syntheticTensor, syntheticWeights } from '../runtime/weights/synthetic.ts';
import { conv2d } from './conv2d.ts';

/**
 * Sizes are no multiple of any tile, unless the claim says so. 33 and more input channels also keep
 * lavapipe from unrolling the loop over them, which takes it seconds a kernel.
 */
const CASES: readonly [claim: string, test: Conv2dCase][] = [
  ['a 1x1 kernel', { x: [1, 5, 7, 9], channels: 17, kernel: 1 }],
  ['a 1x1 kernel, stride 2', { x: [2, 3, 8, 7], channels: 33, kernel: 1, stride: 2 }],
  ['a 1x1 kernel, stride 3', { x: [1, 33, 8, 10], channels: 5, kernel: 1, stride: 3 }],
  ['a 1x1 kernel, one channel', { x: [3, 1, 5, 5], channels: 1, kernel: 1 }],
  ['a 1x1 kernel, padding 1', { x: [1, 33, 4, 5], channels: 4, kernel: 1, padding: 1 }],
  ['a 3x3 kernel', { x: [1, 37, 9, 11], channels: 33, kernel: 3 }],
  ['a 3x3 kernel, padding 1', { x: [2, 3, 9, 7], channels: 17, kernel: 3, padding: 1 }],
  [
    'a 3x3 kernel, stride 2, padding 1',
    { x: [2, 33, 13, 10], channels: 17, kernel: 3, stride: 2, padding: 1 },
  ],
  ['a 3x3 kernel, stride 3', { x: [1, 35, 14, 15], channels: 3, kernel: 3, stride: 3 }],
  [
    'a 3x3 kernel, strides 1 and 2',
    { x: [1, 33, 9, 14], channels: 5, kernel: 3, stride: [1, 2], padding: 1 },
  ],
  [
    'a 3x3 kernel, strides 3 and 1',
    { x: [1, 33, 13, 6], channels: 3, kernel: 3, stride: [3, 1], padding: 1 },
  ],
  ['a 5x5 kernel, padding 2', { x: [1, 33, 8, 7], channels: 8, kernel: 5, padding: 2 }],
  [
    'a 7x7 kernel, stride 2, padding 3, relu: the stem of a ResNet',
    {
      x: [1, 3, 13, 11],
      channels: 64,
      kernel: 7,
      stride: 2,
      padding: 3,
      bias: false,
      epilogue: ['relu'],
    },
  ],
  ['a 1x7 kernel', { x: [1, 33, 6, 13], channels: 7, kernel: [1, 7], padding: [0, 3] }],
  ['a 7x1 kernel', { x: [1, 33, 13, 6], channels: 7, kernel: [7, 1], padding: [3, 0] }],
  [
    'padding that differs on all sides',
    {
      x: [1, 33, 7, 8],
      channels: 5,
      kernel: 3,
      padding: { top: 0, left: 1, bottom: 2, right: 3 },
    },
  ],
  [
    'padding behind the image only, stride 2',
    {
      x: [1, 33, 8, 10],
      channels: 5,
      kernel: 3,
      stride: 2,
      padding: { top: 0, left: 0, bottom: 1, right: 1 },
    },
  ],
  [
    'padding to the right only',
    {
      x: [1, 33, 5, 6],
      channels: 5,
      kernel: 2,
      padding: { top: 0, left: 0, bottom: 0, right: 1 },
    },
  ],
  [
    'padding below only',
    {
      x: [1, 33, 5, 6],
      channels: 5,
      kernel: 2,
      padding: { top: 0, left: 0, bottom: 1, right: 0 },
    },
  ],
  ['padding wider than the kernel', { x: [1, 33, 3, 4], channels: 3, kernel: 2, padding: 4 }],
  ['dilation 2', { x: [1, 33, 11, 9], channels: 5, kernel: 3, dilation: 2, padding: 2 }],
  ['dilation 3, stride 2', { x: [2, 33, 12, 13], channels: 4, kernel: 3, dilation: 3, stride: 2 }],
  [
    'dilations 1 and 3',
    { x: [1, 33, 6, 12], channels: 4, kernel: [2, 3], dilation: [1, 3], padding: [0, 2] },
  ],
  ['2 groups', { x: [1, 6, 7, 7], channels: 10, kernel: 3, padding: 1, groups: 2 }],
  [
    '4 groups, stride 2, without bias',
    { x: [2, 140, 7, 6], channels: 20, kernel: 3, stride: 2, padding: 1, groups: 4, bias: false },
  ],
  [
    '2 groups of more channels than a tile',
    { x: [1, 66, 4, 5], channels: 70, kernel: 1, groups: 2 },
  ],
  ['one group a channel', { x: [2, 17, 9, 8], channels: 17, kernel: 3, padding: 1, groups: 17 }],
  [
    'one group a channel, with 3 outputs each, residual and relu',
    {
      x: [1, 5, 6, 7],
      channels: 15,
      kernel: 3,
      padding: 1,
      groups: 5,
      epilogue: ['residual', 'relu'],
    },
  ],
  ['no bias', { x: [1, 33, 6, 6], channels: 9, kernel: 3, bias: false }],
  ['relu', { x: [1, 33, 6, 6], channels: 9, kernel: 2, epilogue: ['relu'] }],
  ['a residual', { x: [2, 35, 5, 6], channels: 9, kernel: 3, padding: 1, epilogue: ['residual'] }],
  [
    'a residual and relu, without bias',
    { x: [2, 33, 5, 3], channels: 17, kernel: 1, bias: false, epilogue: ['residual', 'relu'] },
  ],
  ['one pixel', { x: [1, 65, 1, 1], channels: 33, kernel: 1 }],
  ['one pixel, a padded 3x3 kernel', { x: [2, 33, 1, 1], channels: 17, kernel: 3, padding: 1 }],
  ['one row', { x: [1, 33, 1, 37], channels: 5, kernel: 3, padding: 1 }],
  ['one column', { x: [1, 33, 41, 1], channels: 5, kernel: [3, 1] }],
  [
    'a kernel larger than the image',
    { x: [3, 33, 3, 2], channels: 17, kernel: 5, padding: 2, stride: 2 },
  ],
  ['a kernel as large as the image', { x: [2, 33, 6, 5], channels: 10, kernel: [6, 5] }],
  ['a 1x1 kernel over planes of whole fours', { x: [1, 34, 6, 10], channels: 35, kernel: 1 }],
  [
    'a 1x1 kernel over planes of whole fours, 3 groups, residual and relu',
    { x: [1, 36, 2, 22], channels: 27, kernel: 1, groups: 3, epilogue: ['residual', 'relu'] },
  ],
  [
    'so many channels that they can be split, residual and relu',
    { x: [2, 256, 3, 3], channels: 21, kernel: 3, padding: 1, epilogue: ['residual', 'relu'] },
  ],
  [
    'a 1x1 kernel over many channels, without bias',
    { x: [1, 512, 7, 7], channels: 9, kernel: 1, bias: false },
  ],
  ['whole tiles in every direction', { x: [1, 64, 8, 8], channels: 64, kernel: 1 }],
  ['tiles that span images', { x: [5, 33, 5, 5], channels: 5, kernel: 3, padding: 1 }],
];

/** For the configurations that users get: several tiles in every direction, none of them full. */
const LARGE_CASES: readonly [claim: string, test: Conv2dCase][] = [
  [
    'a 3x3 kernel, residual and relu',
    { x: [1, 33, 22, 21], channels: 70, kernel: 3, padding: 1, epilogue: ['residual', 'relu'] },
  ],
  ['a 1x1 kernel', { x: [2, 50, 13, 15], channels: 130, kernel: 1, bias: false }],
  [
    '3 groups, strides 2 and 1',
    { x: [2, 99, 23, 11], channels: 69, kernel: 3, padding: 1, groups: 3, stride: [2, 1] },
  ],
];

/** Stride 1, whatever the padding; tiles that the output does not fill, batches, one pixel. */
const WINOGRAD_CASES: readonly [claim: string, test: Conv2dCase][] = [
  ['no padding', { x: [1, 5, 9, 11], channels: 7, kernel: 3 }],
  ['padding 1, relu', { x: [2, 33, 7, 6], channels: 9, kernel: 3, padding: 1, epilogue: ['relu'] }],
  [
    'residual and relu, whole tiles',
    { x: [1, 16, 8, 8], channels: 32, kernel: 3, padding: 1, epilogue: ['residual', 'relu'] },
  ],
  ['without bias', { x: [3, 4, 5, 13], channels: 3, kernel: 3, padding: 1, bias: false }],
  [
    'padding that differs on all sides',
    { x: [1, 3, 6, 5], channels: 5, kernel: 3, padding: { top: 2, left: 0, bottom: 1, right: 3 } },
  ],
  ['one pixel', { x: [1, 17, 1, 1], channels: 5, kernel: 3, padding: 1 }],
  ['one output of a 3x3 image', { x: [2, 3, 3, 3], channels: 4, kernel: 3 }],
];

const device = useDevice();

/** Fails with the case, which is random in some tests. */
async function check(test: Conv2dCase, more: Partial<KernelCase> = {}): Promise<void> {
  try {
    await checkKernels(device(), {
      op: 'conv2d',
      build: (g) => buildConv2d(g, test),
      bound: dotProduct,
      choose: smallTiles,
      ...more,
    });
  } catch (error) {
    throw new Error(`conv2d ${JSON.stringify(test)}`, { cause: error });
  }
}

/** Winograd is checked below, against a bound of its own. */
const withoutWinograd = (candidates: readonly Candidate[]): readonly Candidate[] =>
  candidates.filter(({ kernel }) => kernel !== 'conv2d_winograd');

describe('conv2d kernels', () => {
  // The random shapes are tried on views, too, and so are the epilogues: compiling takes most of the time.
  it.each(CASES)('agree with the reference for %s', (_, test) =>
    check(test, { variants: ['f16'] }),
  );

  it.each(seeds(20))('agree with the reference for the random shape of seed %i', (seed) =>
    check(randomConv2d(new Random(seed))),
  );

  it.each(LARGE_CASES)('agree with the reference in their best configuration for %s', (_, test) =>
    check(test, { choose: (...given) => withoutWinograd(bestGuesses(...given)) }),
  );

  it('agree with the reference in every configuration', () =>
    check(
      { x: [2, 35, 8, 7], channels: 21, kernel: 3, padding: 1, epilogue: ['residual', 'relu'] },
      { choose: withoutWinograd },
    ));

  it('agree with the reference where a dispatch has several rows of workgroups', () =>
    check({ x: [1, 33, 16, 15], channels: 70, kernel: 1 }, { workgroupsPerDimension: 7 }));
});

describe.each(['conv2d_direct', 'conv2d_tiled'])('%s', (kernel) => {
  // Rows of zero weights that fill up a step must not meet what lies behind the group's channels: 0 * Infinity is NaN.
  it('keeps infinite inputs of one group out of the others', async () => {
    const graph = graphOf((g) =>
      conv2d(g.at('conv'), g.input('x', [1, 6, 5, 5]), { channels: 8, kernel: 3, groups: 2 }),
    );
    using session = await Session.create(device(), graph, {
      weights: syntheticWeights([]),
      kernels: () => kernel,
    });
    const x = syntheticTensor('x', [1, 6, 5, 5]).fill(Number.POSITIVE_INFINITY, 3 * 25);
    const { y = [] } = await session.run({ x });
    const finite = [...y].map((value) => Number.isFinite(value));
    expect(finite).toEqual(Array.from({ length: 8 * 9 }, (_, i) => i < 4 * 9));
  });
});

describe.each([2, 4] as const)('conv2d_winograd with tiles of %i', (tile) => {
  it.each(WINOGRAD_CASES)('agrees with the reference for %s', (_, test) =>
    // It is for f32 only.
    check(test, {
      choose: smallWinograd(tile),
      bound: winogradBound(tile),
      variants: ['views'],
    }),
  );
});

describe.each(['llvmpipe', 'gpu'] as const)('on a %s kernels', (family) => {
  it.each<[string, Conv2dCase]>([
    ['maps as large as a tile', { x: [64, 16, 4, 4], channels: 16, kernel: 3, padding: 1 }],
    ['maps smaller than a tile', { x: [64, 16, 2, 2], channels: 16, kernel: 3, padding: 1 }],
    ['many channels', { x: [1, 512, 2, 2], channels: 8, kernel: 1 }],
  ])('pass on no more than a buffer holds: %s', (_, test) => {
    const node = buildOne((g) => buildConv2d(g, test));
    const sizesOn = (device: DeviceProfile): readonly number[] =>
      node.op
        .candidates(node, device)
        .flatMap((candidate) => Object.values(candidate.lower().scratch ?? {}));
    const sizes = sizesOn(profileOf(family));
    for (const limit of new Set(sizes)) {
      const small = profileOf(family, { maxBufferSize: limit });
      expect(sizesOn(small).filter((bytes) => bytes > limit)).toEqual([]);
    }
  });
});
