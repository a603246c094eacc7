import { describe, expect, it } from 'vitest';
import { buildOne, graphOf } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { profileOf } from '../../test/fixtures/profiles.ts';
import { dotProduct } from '../../test/fixtures/rounding_bounds.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { batchParts } from '../runtime/plan/batch_parts.ts';
import type { Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import { type Conv2dDynamicOptions, conv2dDynamic } from './conv2d_dynamic.ts';

interface Case extends Omit<Conv2dDynamicOptions, 'bias'> {
  readonly x: Shape;
  readonly weight: Shape;
  readonly biased?: boolean;
  readonly rectified?: boolean;
}

function build(g: GraphBuilder, { x, weight, biased, rectified, ...options }: Case): Value {
  const bias = biased ? g.input('bias', weight.slice(0, 1)) : undefined;
  const [image, kernel] = [g.input('x', x), g.input('weight', weight)];
  const y = conv2dDynamic(g.at('conv'), image, kernel, { ...options, ...(bias && { bias }) });
  return rectified ? relu(g, y) : y;
}

const CASES: readonly [claim: string, test: Case][] = [
  ['3x3, padding 1', { x: [2, 5, 7, 5], weight: [4, 5, 3, 3], padding: 1, biased: true }],
  ['1x1, stride 2, relu', { x: [3, 4, 5, 6], weight: [7, 4, 1, 1], stride: 2, rectified: true }],
  [
    'in groups, dilated, each side padded in its own way',
    {
      ...{ x: [1, 6, 9, 8], weight: [9, 2, 2, 3], groups: 3, dilation: [3, 2], stride: [1, 2] },
      ...{ padding: { top: 2, left: 0, bottom: 1, right: 3 }, biased: true, rectified: true },
    },
  ],
  ['a group for each channel', { x: [2, 3, 5, 4], weight: [3, 1, 3, 3], groups: 3 }],
  ['one pixel', { x: [1, 2, 1, 1], weight: [3, 2, 3, 3], padding: 1 }],
];

const device = useDevice();

async function check(test: Case, more: Partial<KernelCase> = {}): Promise<void> {
  const given = { op: 'conv2d_dynamic', build: (g: GraphBuilder) => build(g, test) };
  await checkKernels(device(), { ...given, bound: dotProduct, ...more });
}

describe('conv2d_dynamic', () => {
  it.each(CASES)('agrees with the reference: %s', async (_, test) => {
    // Weights are no part of a larger tensor: those that are views are copied first.
    await check(test, { variants: ['f16'] });
  });

  it('reads and writes parts of larger maps', async () => {
    await checkKernels(device(), {
      op: 'conv2d_dynamic',
      build(g) {
        const weight = g.weight('weight', [4, 3, 2, 2]);
        return conv2dDynamic(g.at('conv'), g.input('x', [2, 3, 5, 4]), weight);
      },
      bound: dotProduct,
      variants: ['views'],
    });
  });

  it('agrees with the reference where a dispatch has several rows of workgroups', async () => {
    await check(
      { x: [2, 5, 9, 11], weight: [5, 5, 3, 3] },
      { variants: [], workgroupsPerDimension: 3 },
    );
  });

  it('has weights without a batch, which is not cut', () => {
    const graph = graphOf((g) => build(g, { x: [4, 2, 8, 8], weight: [4, 2, 1, 1] }));
    const least = { maxBufferSize: 1024, maxStorageBufferBindingSize: 1024 };
    expect(batchParts(graph, profileOf('gpu', least))).toBe(1);
  });

  it('refuses weights for other channels, by name', () => {
    expect(() => buildOne((g) => build(g, { x: [1, 4, 5, 5], weight: [2, 3, 1, 1] }))).toThrow(
      'conv2d_dynamic "conv": weight expects 3 input channels, the input has 4 [1, 4, 5, 5]',
    );
  });
});
