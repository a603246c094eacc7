/** Resize, and Upsample before it. */
import { resize2d, resize2dOp } from '../../layers/resize2d.ts';
import type { Pair } from '../../layers/window.ts';
import type { Value } from '../../runtime/graph.ts';
import { formatShape } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { exporter, type OperatorRows, read } from '../exporter.ts';
import { axisOf, type ImportCall } from '../import_node.ts';

const COORDINATES = [
  'half_pixel',
  'pytorch_half_pixel',
  'half_pixel_symmetric',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
] as const;

const ROUNDINGS = {
  round_prefer_floor: 'prefer_floor',
  round_prefer_ceil: 'prefer_ceil',
  floor: 'floor',
  ceil: 'ceil',
} as const;

function modeOf(call: ImportCall): 'nearest' | 'bilinear' {
  const mode = call.choice('mode', 'nearest', 'linear', 'bilinear');
  return mode === 'linear' ? 'bilinear' : mode;
}

/** Height and width of what is given for all axes, or for some; batch and channels must stay as they are. */
function pairOf(
  call: ImportCall,
  x: Value,
  given: readonly number[],
  unchanged: readonly number[],
): Pair {
  const { shape } = x.desc;
  const axes = call.ints('axes')?.map((axis) => axisOf(axis, shape.length));
  const listed = axes ?? [...unchanged.keys()];
  const fits = shape.length === 4 && given.length === listed.length;
  demand(fits, `${given.length} extents for ${formatShape(shape)}; feature maps are read`);
  const all = [...unchanged];
  for (const [i, axis] of listed.entries()) all[axis] = given[i] ?? 1;
  const [batch, channels, height = 1, width = 1] = all;
  const inner = batch === unchanged[0] && channels === unchanged[1];
  demand(inner, 'resizes batch or channels; only height and width are');
  return [height, width];
}

function importResize(call: ImportCall): Value {
  if (call.opset < 11) return scaled(call, call.numbers(1, 'the scales'));
  const coordinates = call.choice('coordinate_transformation_mode', ...COORDINATES);
  const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;
  const rounding = ROUNDINGS[call.choice('nearest_mode', ...roundings)];
  demand(call.int('antialias', 0) === 0, 'antialias is 1');
  call.choice('keep_aspect_ratio_policy', 'stretch');
  const x = call.value(0);
  const options = { mode: modeOf(call), coordinates, rounding };
  const scales = call.numbersIfGiven(2, 'the scales') ?? [];
  if (scales.length > 0) {
    const scale = pairOf(call, x, scales, [1, 1, 1, 1]);
    return resize2d(call.g, x, { ...options, scale });
  }
  const size = pairOf(call, x, call.numbers(3, 'the sizes'), x.desc.shape);
  return resize2d(call.g, x, { ...options, size });
}

/** As it was before coordinates could be chosen. */
function scaled(call: ImportCall, scales: readonly number[]): Value {
  const x = call.value(0);
  const scale = pairOf(call, x, scales, [1, 1, 1, 1]);
  const options = { mode: modeOf(call), coordinates: 'asymmetric', rounding: 'floor' } as const;
  return resize2d(call.g, x, { ...options, scale });
}

export const resize: OperatorRows = {
  importers: {
    Resize: importResize,
    Upsample: (call) => scaled(call, call.floats('scales') ?? call.numbers(1, 'the scales')),
  },
  exporters: [
    // By its size, since ONNX rounds a scale to f32; of height and width alone, so that the batch may be left open.
    exporter(resize2dOp, (node, writer) => {
      const { mode, coordinates, rounding } = node.attributes;
      writer.requireOpset(coordinates === 'half_pixel_symmetric' ? 19 : 18);
      const sizes = writer.integers(node, 'sizes', node.output.desc.shape.slice(2));
      writer.layer(node, 'Resize', [...read(writer, node, 'x'), '', '', sizes], {
        axes: { ints: [2, 3] },
        mode: { string: mode === 'bilinear' ? 'linear' : 'nearest' },
        coordinate_transformation_mode: { string: coordinates },
        nearest_mode: { string: rounding.startsWith('prefer') ? `round_${rounding}` : rounding },
      });
    }),
  ],
};
