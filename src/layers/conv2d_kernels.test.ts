import { describe, expect, it } from 'vitest';
import { buildOne, graphOf } from '../../test/fixtures/build_one.ts';
import { bestGuesses, checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { buildConv2d, type Conv2dCase, randomConv2d } from '../../test/fixtures/conv2d_case.ts';
import { CONV2D_CASES, LARGE_CONV2D_CASES } from '../../test/fixtures/conv2d_cases.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { profileOf } from '../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { dotProduct, winograd as winogradBound } from '../../test/fixtures/rounding_bounds.ts';
import { smallTiledFetching, smallTiles, smallWinograd } from '../../test/fixtures/small_tiles.ts';
import type { DeviceProfile } from '../runtime/device_profile.ts';
import type { Candidate } from '../runtime/kernel.ts';
import { Session } from '../runtime/session.ts';
import { syntheticTensor, syntheticWeights } from '../runtime/weights/synthetic.ts';
import { conv2d } from './conv2d.ts';

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
  it.each(CONV2D_CASES)('agree with the reference for %s', (_, test) =>
    check(test, { variants: ['f16'] }),
  );

  it.each(seeds(20))('agree with the reference for the random shape of seed %i', (seed) =>
    check(randomConv2d(new Random(seed))),
  );

  it.each(LARGE_CONV2D_CASES)(
    'agree with the reference in their best configuration for %s',
    (_, test) => check(test, { choose: (...given) => withoutWinograd(bestGuesses(...given)) }),
  );

  it('agree with the reference in every configuration', () =>
    check(
      { x: [2, 35, 8, 7], channels: 21, kernel: 3, padding: 1, epilogue: ['residual', 'relu'] },
      { choose: withoutWinograd },
    ));

  it('agree with the reference where a dispatch has several rows of workgroups', () =>
    check({ x: [1, 33, 16, 15], channels: 70, kernel: 1 }, { workgroupsPerDimension: 7 }));
});

/** Steps are of eight rows: where the channels of a group are a multiple, all rows of a step have one tap. */
const TAP_CASES: readonly [claim: string, test: Conv2dCase][] = [
  ['a step a tap', { x: [2, 8, 5, 7], channels: 9, kernel: 3, padding: 1, epilogue: ['relu'] }],
  [
    'three steps a tap, strides, dilations and padding that differ',
    {
      ...{ x: [2, 24, 9, 7], channels: 18, kernel: [3, 5], stride: [2, 1], dilation: [1, 2] },
      padding: { top: 2, left: 3, bottom: 0, right: 4 },
    },
  ],
  ['groups', { x: [1, 32, 6, 5], channels: 10, kernel: [2, 3], padding: 1, groups: 2 }],
  ['no padding', { x: [1, 16, 7, 6], channels: 5, kernel: 3 }],
  ['one tap and padding', { x: [1, 8, 4, 5], channels: 5, kernel: 1, stride: 2, padding: 1 }],
  ['a window larger than the image', { x: [1, 8, 2, 3], channels: 5, kernel: 5, padding: 2 }],
  ['32 taps', { x: [1, 8, 5, 9], channels: 5, kernel: [4, 8], padding: 3 }],
  ['more taps than a word has bits', { x: [1, 8, 6, 8], channels: 5, kernel: [5, 7], padding: 3 }],
];

describe.each(['ahead', 'together', 'in turn'] as const)('conv2d_tiled fetching %s', (fetch) => {
  it.each(TAP_CASES)('agrees with the reference for %s', (_, test) =>
    check(test, { choose: smallTiledFetching(fetch), variants: ['f16'] }),
  );
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
