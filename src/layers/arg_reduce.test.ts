import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { asOnGpus, checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { argMax, argMin } from './arg_reduce.ts';

const device = useDevice();

/** With many equal values, zeros of both signs among them, and infinities. */
function withEquals(shape: Shape): Float32Array {
  const values = [3, -0, 0, -3, 3, Number.NEGATIVE_INFINITY, 1, -3];
  return Float32Array.from({ length: elementCount(shape) }, (_, i) => values[(i * 7) % 8] ?? 0);
}

describe('arg_reduce kernels', () => {
  it.each<[Shape, number]>([
    [[3, 10], 1],
    [[2, 1], 1],
    [[2, 21, 3, 5], 1],
    [[2, 3, 70], 2],
    [[1, 3, 2100], 2],
    [[9, 4], 0],
  ])('agree with the reference for %j along axis %i', async (shape, axis) => {
    for (const layer of [argMax, argMin]) {
      for (const takes of ['first', 'last'] as const) {
        for (const inputs of [{}, { x: withEquals(shape) }]) {
          await checkKernels(device(), {
            op: 'arg_reduce',
            build: (g) => layer(g, g.input('x', shape), { axis, takes, keepAxis: true }),
            inputs,
            bound: exact,
            workgroupsPerDimension: 5,
            choose: asOnGpus,
          });
        }
      }
    }
  });

  it('find what is not a number', async () => {
    const x = new Float32Array(200).fill(1).fill(Number.NaN, 130, 131);
    x[7] = Number.POSITIVE_INFINITY;
    for (const layer of [argMax, argMin]) {
      await checkKernels(device(), {
        op: 'arg_reduce',
        build: (g) => layer(g, g.input('x', [1, 200])),
        inputs: { x },
        bound: exact,
        choose: asOnGpus,
        variants: [],
      });
    }
  });
});

describe('argMax and argMin', () => {
  it('give the first of equals, or the last', () => {
    const x = [1, 5, 5, 0, 2, 0];
    const of = (layer: typeof argMax, takes: 'first' | 'last') =>
      evaluate((g) => layer(g, g.input('x', [1, 6]), { takes }), { x });
    expect(of(argMax, 'first')).toEqual([1]);
    expect(of(argMax, 'last')).toEqual([2]);
    expect(of(argMin, 'first')).toEqual([3]);
    expect(of(argMin, 'last')).toEqual([5]);
  });

  it('drop the axis, or keep it', () => {
    const shapeFor = (keepAxis: boolean) =>
      buildOne((g) => argMax(g, g.input('x', [2, 3, 5]), { keepAxis })).output.desc.shape;
    expect([shapeFor(false), shapeFor(true)]).toEqual([
      [2, 5],
      [2, 1, 5],
    ]);
  });

  it('refuse an axis that is none', () => {
    expect(() =>
      buildOne((g) => argMax(g.at('labels'), g.input('x', [2, 3]), { axis: 2 })),
    ).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: 'arg_reduce "labels": axis 2 is not an axis of [2, 3]',
      }),
    );
  });
});
