import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { combined } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, positionOf, type Shape } from '../runtime/tensor.ts';
import { relu } from './activations.ts';
import { type Col2imAxis, col2im } from './col2im.ts';

const device = useDevice();

const AXES: readonly (readonly [windows: Shape, Col2imAxis, Col2imAxis])[] = [
  [[4, 3], { size: 5, kernel: 2 }, { size: 4, kernel: 2 }],
  [[3, 2], { size: 6, kernel: 2, stride: 2 }, { size: 6, kernel: 3, stride: 3 }],
  [
    [4, 4],
    { size: 7, kernel: 3, stride: 2, padding: [1, 1] },
    { size: 8, kernel: 2, stride: 2, padding: [0, 1] },
  ],
  [
    [3, 6],
    { size: 7, kernel: 3, dilation: 2, padding: [0, 0] },
    { size: 7, kernel: 2, dilation: 3, padding: [2, 0] },
  ],
  [[1, 1], { size: 1, kernel: 1 }, { size: 1, kernel: 1 }],
  [[2, 2], { size: 9, kernel: 2, stride: 5 }, { size: 9, kernel: 1, stride: 7 }],
];

describe('col2im', () => {
  it.each(AXES)('agrees with the reference: %j windows on %j and %j', async (windows, ...axes) => {
    const taps = elementCount(axes.map(({ kernel }) => kernel));
    const shape = [2, 3 * taps, elementCount(windows)];
    for (const follows of [false, true]) {
      await checkKernels(device(), {
        op: 'col2im',
        build(g) {
          const y = col2im(g, g.input('x', shape), axes);
          return follows ? relu(g.at('relu'), y) : y;
        },
        bound: combined(taps),
        workgroupsPerDimension: 2,
      });
    }
  });

  it('adds up windows that overlap, and drops what lies in the padding', () => {
    const build = (g: GraphBuilder) =>
      col2im(g, g.input('x', [1, 2, 4]), [{ size: 4, kernel: 2, padding: [0, 1] }]);
    const x = [1, 2, 3, 4, 10, 20, 30, 40];
    expect(evaluate(build, { x })).toEqual([1, 12, 23, 34]);
  });

  it('lays windows of volumes, axis by axis', () => {
    const axes: readonly Col2imAxis[] = [
      { size: 4, kernel: 2, stride: 2, padding: [1, 1] },
      { size: 3, kernel: 2, padding: [0, 1] },
      { size: 5, kernel: 3, dilation: 2, padding: [1, 0] },
    ];
    const [taps, windows]: readonly Shape[] = [
      [2, 2, 3],
      [3, 3, 2],
    ];
    // Whole numbers, so that the order of a sum does not matter.
    const [channels, count] = [2 * 12, 18];
    const x = Array.from({ length: channels * count }, (_, i) => (i * 37) % 101);
    const expected = new Float64Array(2 * 60);
    for (const [i, value] of x.entries()) {
      const [row, window] = [Math.floor(i / count), positionOf(i % count, windows ?? [])];
      const tap = positionOf(row % 12, taps ?? []);
      const place = axes.map(({ stride = 1, dilation = 1, padding = [0, 0] }, axis) => {
        return (window[axis] ?? 0) * stride + (tap[axis] ?? 0) * dilation - padding[0];
      });
      if (place.some((at, axis) => at < 0 || at >= (axes[axis]?.size ?? 0))) continue;
      const [d = 0, h = 0, w = 0] = place;
      const to = ((Math.floor(row / 12) * 4 + d) * 3 + h) * 5 + w;
      expected[to] = (expected[to] ?? 0) + value;
    }
    const y = evaluate((g) => col2im(g, g.input('x', [1, channels, count]), axes), { x });
    expect(y).toEqual([...expected]);
  });

  it('refuses sizes that do not fit', () => {
    const build = (shape: Shape, axes: readonly Col2imAxis[]) => () =>
      buildOne((g) => col2im(g.at('fold'), g.input('x', shape), axes));
    const quad = [
      { size: 4, kernel: 2 },
      { size: 5, kernel: 2 },
    ];
    expect(build([1, 6, 12], quad)).toThrow(
      'col2im "fold": expects columns [N, C * 4, 12] of a map of 4 x 5, got [1, 6, 12]',
    );
    expect(build([1, 8, 9], quad)).toThrow('expects columns [N, C * 4, 12]');
    expect(build([1, 8, 9], [...quad, { size: 2, kernel: 3 }])).toThrow(
      'col2im "fold": expects columns [N, C * 12, 3 * windows], got [1, 8, 9]',
    );
    expect(build([1, 8, 9], [])).toThrow('col2im: axes must be an axis at least, got Array of 0');
  });
});
