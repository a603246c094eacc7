import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { bestGuesses, type Choose, checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { dotProduct } from '../../test/fixtures/rounding_bounds.ts';
import { multiplyAddsOf } from '../runtime/operator.ts';
import { relu } from './activations.ts';
import { type LinearOptions, linear, linearOp } from './linear.ts';

interface LinearCase extends LinearOptions {
  readonly batch: number;
  readonly inputs: number;
}

const device = useDevice();

/** What GPUs are offered, and their workgroup memory, on whatever adapter runs the tests. */
const everyConfig: Choose = (candidates, node, profile) => {
  const isGemv = ({ kernel }: { readonly kernel: string }) => kernel === 'linear_gemv';
  const [images = 1] = node.output.desc.shape;
  // llvmpipe compiles many rows in many slices for a minute; SwiftShader checks these.
  const compiles = images <= 3 || profile.family !== 'llvmpipe';
  const onGpu = compiles ? node.op.candidates(node, { ...profile, family: 'gpu' }) : [];
  return [
    ...candidates.filter(isGemv),
    ...onGpu.filter(isGemv),
    ...bestGuesses(candidates, node, profile).filter((candidate) => !isGemv(candidate)),
  ];
};

describe('linear kernels', () => {
  it.each<[string, LinearCase]>([
    ['one image', { batch: 1, inputs: 256, features: 200 }],
    ['5 images', { batch: 5, inputs: 33, features: 65 }],
    ['no bias', { batch: 2, inputs: 37, features: 10, bias: false }],
    ['one input', { batch: 3, inputs: 1, features: 7 }],
    ['one feature', { batch: 3, inputs: 70, features: 1 }],
    ['a long sum', { batch: 1, inputs: 4096, features: 5 }],
    ['one weight', { batch: 1, inputs: 1, features: 1 }],
    ['whole fours of inputs, 8 images', { batch: 8, inputs: 36, features: 33 }],
    ['inputs that are no whole fours, 7 images', { batch: 7, inputs: 35, features: 31 }],
    ['fewer inputs than slices', { batch: 2, inputs: 8, features: 100 }],
    ['9 images', { batch: 9, inputs: 36, features: 40 }],
    ['33 images', { batch: 33, inputs: 19, features: 21, bias: false }],
  ])('agree with the reference for %s', async (_, { batch, inputs, ...options }) => {
    await checkKernels(device(), {
      op: 'linear',
      build: (g) => linear(g.at('fc'), g.input('x', [batch, inputs]), options),
      bound: dotProduct,
      choose: everyConfig,
    });
  });

  it('agree with the reference with a relu behind', async () => {
    await checkKernels(device(), {
      op: 'linear',
      build: (g) => relu(g, linear(g.at('fc'), g.input('x', [5, 50]), { features: 20 })),
      bound: dotProduct,
      choose: everyConfig,
    });
  });

  it('agree with the reference where a dispatch has several rows of workgroups', async () => {
    await checkKernels(device(), {
      op: 'linear',
      build: (g) => linear(g.at('fc'), g.input('x', [3, 9]), { features: 130 }),
      bound: dotProduct,
      workgroupsPerDimension: 2,
    });
  });
});

describe('linear reference', () => {
  const data = { x: [1, 2, 3, 4, 5, 6], 'fc.weight': [1, 0, 0, 1, 10, 100], 'fc.bias': [0.5, -1] };

  it('is x weight^T + bias', () => {
    const y = evaluate((g) => linear(g.at('fc'), g.input('x', [2, 3]), { features: 2 }), data);
    expect(y).toEqual([1.5, 320, 4.5, 653]);
  });

  it('does without a bias', () => {
    const y = evaluate(
      (g) => linear(g.at('fc'), g.input('x', [2, 3]), { features: 2, bias: false }),
      data,
    );
    expect(y).toEqual([1, 321, 4, 654]);
  });
});

describe('linear shapes', () => {
  it('counts a multiply-add for each weight and image', () => {
    const node = buildOne((g) => linear(g.at('fc'), g.input('x', [3, 256]), { features: 10 }));
    expect(multiplyAddsOf(node)).toBe(3 * 256 * 10);
  });

  it('reads weight [features, inputs] and bias [features] at its path', () => {
    const { inputs, output } = buildOne((g) =>
      linear(g.at('fc'), g.input('x', [3, 256]), { features: 10 }),
    );
    expect(Object.values(inputs).map(({ name, desc }) => [name, desc.shape])).toEqual([
      ['x', [3, 256]],
      ['fc.weight', [10, 256]],
      ['fc.bias', [10]],
    ]);
    expect(output.desc.shape).toEqual([3, 10]);
  });

  it('refuses a feature map, which needs flattening first', () => {
    expect(() =>
      buildOne((g) => linear(g.at('fc'), g.input('x', [1, 512, 7, 7]), { features: 10 })),
    ).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: 'linear "fc": weight expects an input [N, 512], got [1, 512, 7, 7]',
      }),
    );
  });

  it('refuses a weight for other inputs', () => {
    expect(() =>
      buildOne((g) => {
        const weight = g.weight('weight', [10, 100]);
        return g.at('fc').add(linearOp, {}, { x: g.input('x', [1, 99]), weight });
      }),
    ).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: 'linear "fc": weight expects an input [N, 100], got [1, 99]',
      }),
    );
  });

  it('refuses a bias for other features', () => {
    expect(() =>
      buildOne((g) => {
        const weight = g.weight('weight', [10, 100]);
        const bias = g.weight('bias', [11]);
        return g.at('fc').add(linearOp, {}, { x: g.input('x', [1, 100]), weight, bias });
      }),
    ).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: 'linear "fc": expects bias [10], got [11]',
      }),
    );
  });
});
