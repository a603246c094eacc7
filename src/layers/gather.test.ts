import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { exact } from '../../test/fixtures/rounding_bounds.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import { gather } from './gather.ts';

const device = useDevice();

describe('gather', () => {
  it.each<[x: Shape, indices: Shape]>([
    [[5, 3], [4]],
    [[130], [7, 11]],
    [
      [6, 2, 5],
      [2, 3, 1],
    ],
    [[9, 33], [1]],
    [[1], [1]],
    [[3, 1], [200]],
  ])('agrees with the reference: rows of %j at places %j', async (x, indices) => {
    // In no order, some twice, and some out of x.
    const places = Float32Array.from(
      { length: elementCount(indices) },
      (_, i) => ((i * 37) % ((x[0] ?? 1) + 2)) - 1,
    );
    for (const follows of [false, true]) {
      await checkKernels(device(), {
        op: 'gather',
        build(g) {
          const y = gather(g, g.input('x', x), g.input('indices', indices));
          return follows ? relu(g.at('relu'), y) : y;
        },
        inputs: { indices: places },
        bound: exact,
        workgroupsPerDimension: 1,
      });
    }
  });

  it('takes rows in the order of the indices, and zeros where there is none', () => {
    const data = { x: [1, 2, 3, 4, 5, 6], i: [2, 0, -1, 3, 1.5] };
    const y = evaluate((g) => gather(g, g.input('x', [3, 2]), g.input('i', [5])), data);
    expect(y).toEqual([5, 6, 1, 2, 0, 0, 0, 0, 3, 4]);
  });

  it('refuses more rows than indices can tell apart', () => {
    const build = () =>
      buildOne((g) => gather(g.at('some'), g.input('x', [2 ** 24 + 1]), g.input('i', [2])));
    expect(build).toThrow('gather "some": indices of 16777217 elements are not exact');
  });
});
