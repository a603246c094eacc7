import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { mean } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import { adaptiveAveragePool2d, globalAveragePool2d } from './adaptive_average_pool2d.ts';
import { averagePool2d } from './pool2d.ts';
import type { PairLike } from './window.ts';

const device = useDevice();

/** 1, 2, 3, ... */
function ramp(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => i + 1);
}

describe('adaptive_average_pool2d kernels', () => {
  it.each<[string, Shape, PairLike]>([
    ['the global mean', [2, 33, 7, 7], 1],
    ['the global mean of one pixel', [1, 5, 1, 1], 1],
    ['the global mean of more pixels than a workgroup has threads', [2, 3, 9, 11], 1],
    ['the global mean of a large plane', [1, 3, 35, 33], 1],
    ['regions of equal size', [1, 3, 6, 8], [3, 2]],
    ['regions that overlap: 7 from 5', [1, 3, 5, 5], 7],
    ['uneven regions: 3 from 7, 4 from 10', [2, 3, 7, 10], [3, 4]],
    ['the identity', [1, 2, 4, 3], [4, 3]],
    ['more outputs than inputs, fewer the other way', [1, 2, 2, 9], [6, 4]],
    ['more planes than a workgroup has threads', [3, 50, 2, 2], 1],
  ])('agree with the reference for %s', async (_, shape, size) => {
    await checkKernels(device(), {
      op: 'adaptive_average_pool2d',
      build: (g) => adaptiveAveragePool2d(g, g.input('x', shape), size),
      bound: mean(shape[2] === undefined ? 1 : shape[2] * (shape[3] ?? 1)),
    });
  });
});

describe('adaptive_average_pool2d reference', () => {
  it('takes rows floor(iH/P) to ceil((i+1)H/P) and the columns alike', () => {
    const x = ramp(5);
    const y = evaluate((g) => adaptiveAveragePool2d(g, g.input('x', [1, 1, 1, 5]), [1, 3]), { x });
    // Columns 0-1, 1-3, 3-4.
    expect(y).toEqual([1.5, 3, 4.5]);
  });

  it('repeats values where the output is larger', () => {
    const x = ramp(2);
    const y = evaluate((g) => adaptiveAveragePool2d(g, g.input('x', [1, 1, 2, 1]), [3, 2]), { x });
    expect(y).toEqual([1, 1, 1.5, 1.5, 2, 2]);
  });

  it('equals average pooling where the sizes divide', () => {
    const x = ramp(2 * 3 * 6 * 8);
    const shape = [2, 3, 6, 8];
    const adaptive = evaluate((g) => adaptiveAveragePool2d(g, g.input('x', shape), [2, 4]), { x });
    const plain = evaluate((g) => averagePool2d(g, g.input('x', shape), { kernel: [3, 2] }), { x });
    expect(adaptive).toEqual(plain);
  });

  it('of size 1 is the mean of each plane', () => {
    const y = evaluate((g) => globalAveragePool2d(g, g.input('x', [1, 2, 2, 2])), { x: ramp(8) });
    expect(y).toEqual([2.5, 6.5]);
  });
});

describe('adaptive_average_pool2d shapes', () => {
  it('keeps images and channels', () => {
    const node = buildOne((g) => adaptiveAveragePool2d(g, g.input('x', [2, 512, 13, 9]), [6, 7]));
    expect(node.output.desc.shape).toEqual([2, 512, 6, 7]);
  });

  it.each<[string, Shape, PairLike, string]>([
    ['sizes of 0', [1, 3, 9, 9], 0, 'output size must be integers >= 1, got [0, 0]'],
    ['broken sizes', [1, 3, 9, 9], [2, 2.5], 'output size must be integers >= 1, got [2, 2.5]'],
    ['vectors', [1, 3], 1, 'expects a feature map [N, C, H, W], got [1, 3]'],
  ])('refuse %s', (_, shape, size, message) => {
    expect(() =>
      buildOne((g) => adaptiveAveragePool2d(g.at('avgpool'), g.input('x', shape), size)),
    ).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `adaptive_average_pool2d "avgpool": ${message}`,
      }),
    );
  });
});
