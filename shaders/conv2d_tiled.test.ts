import { expect, it } from 'vitest';
import { MOST_STEPS } from './conv2d_tiled.wgsl.ts';

/** As the shader works out which tap a step has, rounded to f32 after each operation. */
function tapOfStep(step: number, stepsOfTap: number): number {
  return Math.trunc(Math.fround(Math.fround(step + 0.5) * Math.fround(1 / stepsOfTap)));
}

it.each([1, 2, 3, 5, 7, 12, 33, 127, 1000, 4097, 99_991])(
  'a reciprocal tells the tap of each step, where a tap has %i',
  (stepsOfTap) => {
    const wrong: number[] = [];
    for (let tap = 0; tap < Math.floor(MOST_STEPS / stepsOfTap); tap++) {
      const first = tap * stepsOfTap;
      for (const step of [first, first + stepsOfTap - 1]) {
        if (tapOfStep(step, stepsOfTap) !== tap) wrong.push(step);
      }
    }
    expect(wrong).toEqual([]);
  },
);
