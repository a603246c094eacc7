/** Grids and regions, beside interpolation by hand. */
import { describe, it } from 'vitest';
import { float, int, onnxTensor as tensor, text } from '../../../test/fixtures/onnx_model.ts';
import {
  checkNodeCase,
  inOperatorSets,
  list,
  type NodeCase,
  one,
} from '../../../test/fixtures/onnx_node_cases.ts';

/** The mean along x, which is -1 to 1 on maps of -4 to 4. */
const sampled: readonly NodeCase[] = [
  ...(
    [
      // Half a pixel off: -1 is between the border and the first of three.
      ['by default', {}, [0.25, 0], [1.125]],
      [
        'nearest, mirrored',
        { mode: text('nearest'), padding_mode: text('reflection') },
        [1.9, 0],
        [0],
      ],
      ['of the border', { padding_mode: text('border'), align_corners: int(1) }, [3, 0], [1]],
    ] as const
  ).map(
    ([what, attributes, place]): NodeCase => ({
      what: `GridSample, ${what}`,
      from: 16,
      nodes: one('GridSample', attributes, 'x grid'),
      constants: [tensor('grid', [1, 1, 1, 2], place)],
      expected: what === 'by default' ? [0.375] : what === 'of the border' ? [1] : [0],
      outputShape: [1, 1, 1, 1],
    }),
  ),
  {
    what: 'AffineGrid of aligned corners, of one row',
    from: 20,
    nodes: one('AffineGrid', { align_corners: int(1) }, 'x size'),
    constants: [list('size', 1, 1, 1, 3)],
    shape: [1, 2, 3],
    // (-4 x - 3 y - 2, 1 - x) of x = -1, 0, 1 and y = 0.
    expected: [2, 2, -2, 1, -6, 0],
    outputShape: [1, 1, 3, 2],
    // ONNX divides by 0 there: as PyTorch has it; onnxruntime has a y of -1.
    alone: true,
  },
  {
    what: 'AffineGrid of a volume',
    from: 20,
    nodes: one('AffineGrid', {}, 'x size'),
    constants: [list('size', 1, 1, 2, 1, 1)],
    shape: [1, 3, 4],
    // Of (0, 0, z): -2 z - 1, 2 z + 3, 6 z + 7, at z = -1/2, 1/2.
    expected: [0, 2, 4, -2, 4, 10],
    outputShape: [1, 2, 1, 1, 3],
  },
  {
    what: 'RoiAlign: the most of samples, of a scale',
    from: 16,
    to: 21,
    nodes: one(
      'RoiAlign',
      {
        ...{ mode: text('max'), output_height: int(1), output_width: int(2) },
        ...{ sampling_ratio: int(1), spatial_scale: float(0.5) },
        coordinate_transformation_mode: text('output_half_pixel'),
      },
      'x rois i',
    ),
    constants: [tensor('rois', [1, 4], [0, 0, 4, 4]), list('i', 0)],
    // Samples at (0.5, 1) and (1.5, 1), each the largest of four pixels by their weights: half of 0, half of 1.
    expected: [0, 0.5],
    outputShape: [1, 1, 1, 2],
  },
  {
    what: 'RoiAlign of one place, of as many samples as pixels',
    from: 16,
    to: 21,
    nodes: one('RoiAlign', {}, 'x rois i'),
    constants: [tensor('rois', [1, 4], [0.5, 0.5, 2.5, 2.5]), list('i', 0)],
    // Samples at 0.5 and 1.5 both ways.
    expected: [0],
    outputShape: [1, 1, 1, 1],
  },
];

describe('loadOnnx', () => {
  it.each(inOperatorSets(sampled))('reads %s, of operator set %i', (_, opset, one) =>
    checkNodeCase(one, opset),
  );
});
