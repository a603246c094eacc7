import { describe, expect, it } from 'vitest';
import { buildOne } from '../../test/fixtures/build_one.ts';
import { type Choose, checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { buildConv2d, type Conv2dCase } from '../../test/fixtures/conv2d_case.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { profileOf } from '../../test/fixtures/profiles.ts';
import { dotProduct } from '../../test/fixtures/rounding_bounds.ts';
import type { DeviceProfile } from '../runtime/device_profile.ts';
import { selectKernel } from '../runtime/plan/select_kernels.ts';

/** Sizes are no multiples of a tile, unless the claim says so. */
const CASES: readonly [claim: string, test: Conv2dCase][] = [
  ['a 3x3 kernel, padding 1', { x: [2, 5, 9, 11], channels: 5, kernel: 3, padding: 1, groups: 5 }],
  ['whole tiles', { x: [1, 8, 8, 16], channels: 8, kernel: 3, padding: 1, groups: 8 }],
  [
    'a 3x3 kernel, stride 2, residual and relu',
    {
      x: [1, 7, 13, 10],
      channels: 7,
      kernel: 3,
      stride: 2,
      padding: 1,
      groups: 7,
      epilogue: ['residual', 'relu'],
    },
  ],
  [
    'a 5x5 kernel, stride 2, padding only behind',
    {
      x: [1, 3, 9, 8],
      channels: 3,
      kernel: 5,
      stride: 2,
      padding: { top: 0, left: 0, bottom: 3, right: 4 },
      groups: 3,
      bias: false,
    },
  ],
  [
    '3 outputs a channel, dilations 2 and 3',
    { x: [2, 3, 11, 12], channels: 9, kernel: 3, dilation: [2, 3], padding: 2, groups: 3 },
  ],
  ['strides 1 and 3', { x: [1, 4, 6, 14], channels: 4, kernel: [2, 3], stride: [1, 3], groups: 4 }],
  ['one channel, 5 outputs', { x: [3, 1, 7, 5], channels: 5, kernel: 3, padding: 1 }],
  ['a 1x1 kernel', { x: [2, 6, 5, 3], channels: 6, kernel: 1, groups: 6, epilogue: ['relu'] }],
  ['one pixel', { x: [2, 3, 1, 1], channels: 3, kernel: 3, padding: 1, groups: 3 }],
  ['one weight', { x: [1, 1, 1, 1], channels: 1, kernel: 1 }],
  ['a 7x7 kernel', { x: [1, 3, 9, 10], channels: 3, kernel: 7, padding: 3, groups: 3 }],
];

const device = useDevice();

/** On any adapter what GPUs are offered, too. */
const everyConfig: Choose = (candidates, node, profile) =>
  [...candidates, ...node.op.candidates(node, { ...profile, family: 'gpu' })].filter(
    ({ kernel }) => kernel === 'conv2d_depthwise',
  );

async function check(test: Conv2dCase, more: Partial<KernelCase> = {}): Promise<void> {
  await checkKernels(device(), {
    op: 'conv2d',
    build: (g) => buildConv2d(g, test),
    bound: dotProduct,
    choose: everyConfig,
    ...more,
  });
}

describe('conv2d_depthwise', () => {
  it.each(CASES)('agrees with the reference in every configuration for %s', async (_, test) => {
    await check(test, { variants: [] });
  });

  it.each(CASES)('agrees with the reference on views and in f16 for %s', async (_, test) => {
    await check(test, { choose: (...given) => everyConfig(...given).slice(0, 1) });
  });

  it('agrees with the reference where a dispatch has several rows of workgroups', async () => {
    await check(
      { x: [2, 5, 9, 11], channels: 5, kernel: 3, padding: 1, groups: 5 },
      { variants: [], workgroupsPerDimension: 3 },
    );
  });
});

describe('the choice', () => {
  const chosen = (test: Conv2dCase, profile: DeviceProfile): string =>
    selectKernel(
      buildOne((g) => buildConv2d(g, test)),
      profile,
    ).kernel;
  const mobile: Conv2dCase = {
    x: [1, 96, 28, 28],
    channels: 96,
    kernel: 3,
    padding: 1,
    groups: 96,
  };

  it.each(['swiftshader', 'llvmpipe', 'gpu'] as const)(
    'is conv2d_depthwise for a group a channel on a %s',
    (family) => {
      expect(chosen(mobile, profileOf(family))).toBe('conv2d_depthwise');
    },
  );

  it('is another kernel for groups of several channels', () => {
    expect(chosen({ ...mobile, groups: 48 }, device().profile)).not.toBe('conv2d_depthwise');
  });
});
