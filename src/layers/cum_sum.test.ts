import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { asOnGpus, checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { runningSum } from '../../test/fixtures/rounding_bounds.ts';
import type { Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import { type CumSumAttributes, cumSum } from './cum_sum.ts';

const device = useDevice();

type Options = Partial<Omit<CumSumAttributes, 'axis'>>;

const FORMS: readonly Options[] = [
  {},
  { exclusive: true },
  { reverse: true },
  { exclusive: true, reverse: true },
];

describe('cum_sum', () => {
  it.each<[Shape, number]>([
    [[7], 0],
    [[1], 0],
    [[3, 1], 1],
    [[2, 3, 5, 7], 2],
    [[2, 3, 5, 7], 3],
    [[2, 130, 3], 1],
    [[4, 3, 2], 0],
    [[1, 3, 2100], 2],
    [[2, 4099], 1],
  ])('agrees with the reference of %j along axis %i', async (shape, axis) => {
    for (const options of FORMS) {
      await checkKernels(device(), {
        op: 'cum_sum',
        build: (g) => cumSum(g, g.input('x', shape), axis, options),
        bound: runningSum,
        workgroupsPerDimension: 5,
        choose: asOnGpus,
      });
    }
  });

  it('fuses what follows', async () => {
    await checkKernels(device(), {
      op: 'cum_sum',
      build: (g) => relu(g.at('relu'), cumSum(g, g.input('x', [2, 3, 40]), 2)),
      bound: runningSum,
    });
  });

  it('keeps the digits of a million elements', async () => {
    const x = new Float32Array(2 ** 20).fill(0.1);
    await checkKernels(device(), {
      op: 'cum_sum',
      build: (g) => cumSum(g, g.input('x', [1, x.length]), 1),
      inputs: { x },
      bound: runningSum,
      choose: asOnGpus,
      variants: [],
    });
  });

  it('includes the element itself, or not, and runs either way', () => {
    const of = (options: Options) =>
      evaluate((g) => cumSum(g, g.input('x', [1, 4]), 1, options), { x: [1, 2, 3, 4] });
    expect(FORMS.map(of)).toEqual([
      [1, 3, 6, 10],
      [0, 1, 3, 6],
      [10, 9, 7, 4],
      [9, 7, 4, 0],
    ]);
  });

  it('refuses an axis that is none', () => {
    expect(() => buildOne((g) => cumSum(g.at('sums'), g.input('x', [2, 3]), 2))).toThrow(
      'cum_sum "sums": axis 2 is not an axis of [2, 3]',
    );
  });
});
