import { describe, expect, it } from 'vitest';
import { formatLoss, lossOf } from './loss.ts';

function logits(...rows: readonly (readonly number[])[]) {
  return new Map(
    rows.map((row, i) => [String(i), { data: Float32Array.from(row), classes: true }] as const),
  );
}

describe('lossOf', () => {
  it('takes differences as shares of the largest logit of all inputs', () => {
    const loss = lossOf(logits([1, -8], [2, 3]), logits([1.5, -8], [2, 2.5]));
    expect(loss).toEqual({
      inputs: 2,
      meanDifference: 1 / 4 / 8,
      largestDifference: 0.5 / 8,
      top1: 1,
      top5: 1,
    });
  });

  it('counts the likeliest classes that stay', () => {
    const before = logits([9, 8, 7, 6, 5, 4, 3], [0, 1, 2, 3, 4, 5, 6]);
    const after = logits([8, 9, 7, 6, 3, 4, 5], [0, 1, 2, 3, 4, 5, 6]);
    const { top1, top5 } = lossOf(before, after);
    expect(top1).toBe(0.5);
    // 4 and 5 take places from the fifth on; one of five goes.
    expect(top5).toBeCloseTo((4 / 5 + 1) / 2);
  });

  it('leaves out what only one side has, and says nothing of classes where there are none', () => {
    const maps = new Map([['0', { data: Float32Array.of(1, 2), classes: false }]]);
    const loss = lossOf(
      new Map([...maps, ['1', { data: Float32Array.of(9), classes: true }]]),
      maps,
    );
    expect(loss).toEqual({ inputs: 1, meanDifference: 0, largestDifference: 0 });
    expect(formatLoss(loss)).not.toContain('class');
  });

  it('does not hide what is no number', () => {
    const loss = lossOf(logits([1, 2]), logits([Number.NaN, 2]));
    const nothing = Number.NaN;
    expect(loss).toEqual({ inputs: 1, meanDifference: nothing, largestDifference: nothing });
    expect(formatLoss(loss)).toContain('no numbers');
  });
});
