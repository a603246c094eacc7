import { expect, it } from 'vitest';
import { quantile, spreadOf, statisticsOf } from './statistics.ts';

it('quantiles are interpolated between the samples next to them', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2);
  expect(quantile([7], 0.95)).toBe(7);
  expect(quantile([10, 0], 0.95)).toBeCloseTo(9.5, 12);
});

it('statistics of nothing are refused', () => {
  expect(() => statisticsOf([])).toThrow(RangeError);
});

it('the spread is the distance of the quartiles by the median', () => {
  const statistics = statisticsOf([8, 9, 10, 11, 12]);
  expect(statistics).toEqual({ median: 10, low: 9, high: 11, samples: 5 });
  expect(spreadOf(statistics)).toBeCloseTo(0.2, 12);
});
