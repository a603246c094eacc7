import { describe, expect, it } from 'vitest';
import { buildOne, evaluate, graphOf } from '../../test/fixtures/build_one.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { createSession } from '../create_session.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, positionOf, type Shape } from '../runtime/tensor.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { type PadOptions, pad } from './pad.ts';

const device = useDevice();

/** Where index i of a padded axis comes from. */
const SOURCES = {
  edge: (i: number, extent: number) => Math.min(Math.max(i, 0), extent - 1),
  wrap: (i: number, extent: number) => (i + 8 * extent) % extent,
  reflect: (i: number, extent: number) => (i < 0 ? -i : i < extent ? i : 2 * (extent - 1) - i),
};

const CASES: readonly [shape: Shape, before: readonly number[], after: readonly number[]][] = [
  [[4], [2], [1]],
  [
    [3, 4],
    [1, 0],
    [2, 3],
  ],
  [
    [2, 3, 4],
    [1, 2, 0],
    [0, 1, 2],
  ],
  [
    [2, 3, 4, 5],
    [1, 1, 2, 0],
    [0, 2, 1, 1],
  ],
  [
    [2, 3, 2, 3, 2],
    [0, 1, 1, 0, 1],
    [1, 0, 0, 2, 0],
  ],
];

describe('pad', () => {
  for (const mode of ['edge', 'wrap', 'reflect'] as const) {
    it.each(CASES)(`of any axes, ${mode}: %j by %j and %j`, (shape, before, after) => {
      const x = Array.from({ length: elementCount(shape) }, (_, i) => i);
      const to = shape.map((extent, axis) => extent + (before[axis] ?? 0) + (after[axis] ?? 0));
      const expected = Array.from({ length: elementCount(to) }, (_, i) =>
        positionOf(i, to).reduce((at, index, axis) => {
          const extent = shape[axis] ?? 1;
          return at * extent + SOURCES[mode](index - (before[axis] ?? 0), extent);
        }, 0),
      );
      const build = (g: GraphBuilder) => pad(g, g.input('x', shape), { before, after, mode });
      expect(evaluate(build, { x })).toEqual(expected);
      expect(buildOne(build).output.desc.shape).toEqual(to);
    });
  }

  it('cuts before it mirrors', () => {
    const build = (g: GraphBuilder) =>
      pad(g, g.input('x', [5]), { before: [-2], after: [2], mode: 'reflect' });
    expect(evaluate(build, { x: [1, 2, 3, 4, 5] })).toEqual([3, 4, 5, 4, 3]);
  });

  it('of a constant is one movement, of the least number in place of an infinity', async () => {
    const build = (g: GraphBuilder) => {
      const options: PadOptions = {
        before: [1, 0],
        after: [0, -1],
        value: Number.NEGATIVE_INFINITY,
      };
      return pad(g, g.input('x', [1, 3]), options);
    };
    expect(buildOne(build).op.name).toBe('rearrange');
    const options = { weights: syntheticWeights([]) };
    using session = await createSession(device(), graphOf(build), options);
    const { y } = await session.run({ x: Float32Array.of(1, 2, 3) });
    const low = -(2 - 2 ** -23) * 2 ** 127;
    expect([...(y ?? [])]).toEqual([low, low, 1, 2]);
  });

  it('refuses amounts for other axes', () => {
    const build = (g: GraphBuilder) => pad(g, g.input('x', [1, 3]), { before: [1], after: [1] });
    expect(() => graphOf(build)).toThrow(
      'pad "pad": expects two amounts for each axis of [1, 3], got [1] and [1]',
    );
  });
});
