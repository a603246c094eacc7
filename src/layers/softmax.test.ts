import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { asOnGpus, checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { logSoftmaxAlong, softmaxAlong } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import { logSoftmax, softmax } from './softmax.ts';

const device = useDevice();

describe('softmax kernels', () => {
  it.each<[string, Shape, number]>([
    ['1 class', [3, 1], 1],
    ['10 classes', [2, 10], 1],
    ['65 classes, one more than a workgroup has threads', [2, 65], 1],
    ['1000 classes', [2, 1000], 1],
    ['the channels of feature maps', [2, 21, 3, 5], 1],
    ['the rows of feature maps', [2, 3, 7, 5], 2],
    ['the last axis', [2, 3, 70], 2],
    ['the first axis', [9, 4], 0],
  ])('agree with the reference for %s', async (_, shape, axis) => {
    await checkKernels(device(), {
      op: 'softmax',
      build: (g) => softmax(g, g.input('x', shape), axis),
      bound: softmaxAlong(axis),
      choose: asOnGpus,
    });
    await checkKernels(device(), {
      op: 'softmax',
      build: (g) => logSoftmax(g, g.input('x', shape), axis),
      bound: logSoftmaxAlong(axis),
      choose: asOnGpus,
    });
  });

  it('do not overflow for large values', async () => {
    await checkKernels(device(), {
      op: 'softmax',
      build: (g) => softmax(g, g.input('x', [2, 4])),
      inputs: { x: Float32Array.of(0, 1, 2, 3, 10000, 10001, 10002, 10003) },
      bound: softmaxAlong(1),
    });
  });

  it('do not underflow to nothing where all values are far below zero', async () => {
    await checkKernels(device(), {
      op: 'softmax',
      build: (g) => softmax(g, g.input('x', [2, 3])),
      inputs: { x: Float32Array.of(-10000, -10000, -10001, -3e38, -3e38, -3e38) },
      bound: softmaxAlong(1),
    });
  });

  it('give a value far below the largest nothing', async () => {
    await checkKernels(device(), {
      op: 'softmax',
      build: (g) => softmax(g, g.input('x', [1, 3])),
      inputs: { x: Float32Array.of(1e4, -1e4, 1e4) },
      bound: softmaxAlong(1),
    });
  });

  it('agree with the reference where a dispatch has several rows of workgroups', async () => {
    await checkKernels(device(), {
      op: 'softmax',
      build: (g) => softmax(g, g.input('x', [23, 10])),
      bound: softmaxAlong(1),
      workgroupsPerDimension: 4,
    });
  });
});

describe('softmax reference', () => {
  it('is exp(x) over the sum of exp(x), for each row', () => {
    const x = [Math.log(1), Math.log(3), 0, 0];
    const y = evaluate((g) => softmax(g, g.input('x', [2, 2])), { x });
    [0.25, 0.75, 0.5, 0.5].forEach((expected, i) => {
      expect(y[i]).toBeCloseTo(expected, 7);
    });
  });

  it('equals the worked example of ONNX for large numbers', () => {
    const x = [0, 1, 2, 3, 10000, 10001, 10002, 10003];
    const y = evaluate((g) => softmax(g, g.input('x', [2, 4])), { x });
    const row = [0.032058604, 0.08714432, 0.23688284, 0.6439143];
    [...row, ...row].forEach((expected, i) => {
      expect(y[i]).toBeCloseTo(expected, 7);
    });
  });

  it('sums to 1 along its axis only', () => {
    const x = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
    const y = evaluate((g) => softmax(g, g.input('x', [2, 3, 4]), 1), { x });
    for (const first of [0, 3, 12, 15]) {
      const sum = [0, 4, 8].reduce((total, step) => total + (y[first + step] ?? 0), 0);
      expect(sum).toBeCloseTo(1, 12);
    }
  });
});

describe('softmax shapes', () => {
  it('has axis 1 by default', () => {
    const node = buildOne((g) => softmax(g, g.input('x', [2, 21, 3, 5])));
    expect(node.attributes).toEqual({ axis: 1, logarithm: false });
    expect(node.output.desc.shape).toEqual([2, 21, 3, 5]);
  });

  it.each([2, -1, 0.5])('refuses axis %d of a matrix', (axis) => {
    expect(() => buildOne((g) => softmax(g.at('prob'), g.input('x', [2, 3]), axis))).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `softmax "prob": axis ${axis} is not an axis of [2, 3]`,
      }),
    );
  });
});
