import { describe, expect, it } from 'vitest';
import { buildOne, evaluate, graphOf } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { roiAlign as pooled } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { Session } from '../runtime/session.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { relu } from './activations.ts';
import { type RoiAlignOptions, roiAlign } from './roi_align.ts';

const device = useDevice();

/** Inside, across an edge, of no size, larger than the map, and turned round. */
const ROIS = [1, 1.5, 6, 4, -3, 2, 2, 9, 3, 3, 3, 3, -20, -20, 40, 30, 5, 4, 1, 2];

function pooledBy(g: GraphBuilder, options: RoiAlignOptions) {
  const rois = g.input('rois', [5, 4]);
  return roiAlign(g, g.input('x', [2, 3, 6, 9]), rois, g.input('indices', [5]), options);
}

describe('roi_align', () => {
  it.each<RoiAlignOptions>([
    { size: [2, 3] },
    { size: 2, samples: 2, scale: 0.5 },
    { size: [3, 1], halfPixel: false, scale: 0.75 },
    { size: 2, mode: 'max', samples: 3 },
    { size: 2, mode: 'max', halfPixel: false },
  ])('agrees with the reference: %j', async (options) => {
    await checkKernels(device(), {
      op: 'roi_align',
      build: (g) => relu(g.at('relu'), pooledBy(g, options)),
      bound: pooled,
      inputs: { rois: Float32Array.from(ROIS), indices: Float32Array.of(0, 1, 1, 0, 1) },
      workgroupsPerDimension: 3,
    });
  });

  it('is the mean of what lies between the pixels', () => {
    const build = (g: GraphBuilder) =>
      roiAlign(g, g.input('x', [1, 1, 2, 2]), g.input('rois', [1, 4]), g.input('i', [1]), {
        size: [1, 2],
        samples: 1,
      });
    expect(evaluate(build, { x: [1, 2, 3, 4], rois: [0, 0, 2, 2], i: [0] })).toEqual([2, 3]);
  });

  it.each([
    ['a point', [1, 1, 1, 1], 'avg', 0],
    ['a line', [1, 1, 3, 1], 'avg', 0],
    ['one that is turned round', [3, 3, 1, 1], 'max', 0],
    // Of nine samples along each axis, the first lies on the first pixel and two take the second.
    ['one that is larger than the map', [0, 0, 9, 9], 'avg', (1 + 2 * 2 + 2 * 3 + 4 * 4) / 81],
    ['one that nearly nothing can hold', [-1e30, -1e30, 1e30, 1e30], 'avg', 0],
    ['one beyond the map', [5, 5, 9, 9], 'max', 0],
    ['one on negative values only', [0.5, 0.5, 1.5, 1.5], 'max', -0.25],
    ['one on negative values and beyond', [0, 0, 9, 9], 'max', 0],
  ] as const)('of a bin with a sample a pixel: %s', async (what, region, mode, expected) => {
    const pixels = what.includes('negative') ? [-1, -1, -1, -1] : [1, 2, 3, 4];
    const inputs = { x: pixels, rois: region, i: [0] };
    const build = (g: GraphBuilder) =>
      roiAlign(g, g.input('x', [1, 1, 2, 2]), g.input('rois', [1, 4]), g.input('i', [1]), {
        size: 1,
        mode,
      });
    expect(evaluate(build, inputs)).toEqual([expect.closeTo(expected, 12)]);
    const graph = graphOf(build);
    using session = await Session.create(device(), graph, { weights: syntheticWeights([]) });
    const arrays = Object.entries(inputs).map(([name, values]) => [
      name,
      Float32Array.from(values),
    ]);
    const outputs = await session.run(Object.fromEntries(arrays));
    expect(Object.values(outputs).map(([y]) => y)).toEqual([expect.closeTo(expected, 6)]);
  });

  it('refuses regions without an image', () => {
    const build = (g: GraphBuilder) =>
      roiAlign(g.at('roi'), g.input('x', [1, 1, 2, 2]), g.input('r', [3, 4]), g.input('i', [2]), {
        size: 2,
      });
    expect(() => buildOne(build)).toThrow(
      'roi_align "roi": expects regions [R, 4] and batch indices [R], got [3, 4] and [2]',
    );
  });
});
