import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { roiAlign as pooled } from '../../test/fixtures/rounding_bounds.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
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
