import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import { scatter } from './scatter.ts';

const device = useDevice();

describe('scatter', () => {
  it.each<[x: Shape, indices: Shape, updates: Shape]>([
    [
      [5, 3],
      [4, 1],
      [4, 3],
    ],
    [[130], [70], [70]],
    [
      [2, 3, 4, 5],
      [2, 3],
      [6, 20],
    ],
    [[9], [2], [2, 9]],
    [[1], [1], [1]],
  ])('agrees with the reference: %j with places %j for %j', async (x, indices, updates) => {
    const rows = (elementCount(x) * elementCount(indices)) / elementCount(updates);
    // In no order, some twice, and some out of x.
    const places = Float32Array.from(
      { length: elementCount(indices) },
      (_, i) => ((i * 37) % (rows + 2)) - 1,
    );
    for (const follows of [false, true]) {
      await checkKernels(device(), {
        op: 'scatter',
        build(g) {
          const y = scatter(g, g.input('x', x), g.input('indices', indices), g.input('u', updates));
          return follows ? relu(g.at('relu'), y) : y;
        },
        inputs: { indices: places },
        bound: exact,
        workgroupsPerDimension: 1,
      });
    }
  });

  it('takes the later of two, and drops what is out of range', () => {
    const data = { x: [0, 1, 2, 3], i: [2, -1, 2, 4, 0.5], u: [10, 20, 30, 40, 50] };
    const y = evaluate(
      (g) => scatter(g, g.input('x', [4]), g.input('i', [5]), g.input('u', [5])),
      data,
    );
    expect(y).toEqual([50, 1, 30, 3]);
  });

  it('refuses shapes that do not go together', () => {
    const build = (updates: Shape) => () =>
      buildOne((g) =>
        scatter(g.at('put'), g.input('x', [4, 3]), g.input('i', [2]), g.input('u', updates)),
      );
    expect(build([3, 3])).toThrow(
      'scatter "put": expects a row of updates for each index, got [3, 3] for [2] of [4, 3]',
    );
    expect(build([2, 5])).toThrow('expects a row of updates for each index');
  });
});
