/** Resize, and Upsample before it. */
import {
  type Coordinates,
  type NearestRounding,
  resize2d,
  resize2dOp,
} from '../../layers/resize2d.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import type { Value } from '../../runtime/graph.ts';
import { elementCount, formatShape } from '../../runtime/tensor.ts';
import { exporter, read } from '../exporter.ts';
import { axisOf, type ImportCall, known, knownIfGiven, listOf, value } from '../import_node.ts';
import type { OperatorRows } from './rows.ts';

/** Maps, in which a file finds no `constructor`. */
const MODES: ReadonlyMap<string, 'nearest' | 'bilinear'> = new Map([
  ['nearest', 'nearest'],
  ['linear', 'bilinear'],
  ['bilinear', 'bilinear'],
]);

const COORDINATES: ReadonlyMap<string, Coordinates> = new Map(
  (
    [
      'half_pixel',
      'pytorch_half_pixel',
      'half_pixel_symmetric',
      'align_corners',
      'asymmetric',
      'tf_half_pixel_for_nn',
    ] as const
  ).map((name) => [name, name]),
);

const ROUNDINGS: ReadonlyMap<string, NearestRounding> = new Map([
  ['round_prefer_floor', 'prefer_floor'],
  ['round_prefer_ceil', 'prefer_ceil'],
  ['floor', 'floor'],
  ['ceil', 'ceil'],
]);

function modeOf(call: ImportCall): 'nearest' | 'bilinear' {
  const mode = call.attributes.string('mode', 'nearest');
  const found = MODES.get(mode);
  if (!found) throw new UnsupportedError(`mode is ${mode}; nearest and linear are read`);
  return found;
}

/** Height and width of what is given for all axes, or for some; batch and channels must stay as they are. */
function pairOf(
  call: ImportCall,
  x: Value,
  given: readonly number[],
  unchanged: readonly number[],
) {
  const rank = x.desc.shape.length;
  const axes = call.attributes.ints('axes')?.map((axis) => axisOf(axis, rank));
  const all = [...unchanged];
  const listed = axes ?? unchanged.map((_, axis) => axis);
  if (rank !== 4 || given.length !== listed.length) {
    throw new UnsupportedError(
      `${given.length} extents for ${formatShape(x.desc.shape)}; feature maps are read`,
    );
  }
  for (const [i, axis] of listed.entries()) all[axis] = given[i] ?? 1;
  const [batch, channels, height = 1, width = 1] = all;
  if (batch !== unchanged[0] || channels !== unchanged[1]) {
    throw new UnsupportedError('resizes batch or channels; only height and width are');
  }
  return [height, width] as const;
}

function importResize(call: ImportCall): Value {
  if (call.opset < 11) return scaled(call, listOf(known(call, 1, 'the scales')));
  const { attributes } = call;
  const mode = attributes.string('coordinate_transformation_mode', 'half_pixel');
  const coordinates = COORDINATES.get(mode);
  const rounding = ROUNDINGS.get(attributes.string('nearest_mode', 'round_prefer_floor'));
  if (!coordinates) throw new UnsupportedError(`coordinate_transformation_mode is ${mode}`);
  if (!rounding) throw new UnsupportedError('nearest_mode is not known');
  if (attributes.int('antialias', 0) !== 0) throw new UnsupportedError('antialias is 1');
  if (attributes.string('keep_aspect_ratio_policy', 'stretch') !== 'stretch') {
    throw new UnsupportedError('keep_aspect_ratio_policy is not stretch');
  }
  const x = value(call, 0);
  const options = { mode: modeOf(call), coordinates, rounding };
  const scales = knownIfGiven(call, 2, 'the scales');
  if (scales && elementCount(scales.shape) > 0) {
    const scale = pairOf(call, x, listOf(scales), [1, 1, 1, 1]);
    return resize2d(call.g, x, { ...options, scale });
  }
  const size = pairOf(call, x, listOf(known(call, 3, 'the sizes')), x.desc.shape);
  return resize2d(call.g, x, { ...options, size });
}

/** As it was before coordinates could be chosen. */
function scaled(call: ImportCall, scales: readonly number[]): Value {
  const x = value(call, 0);
  const scale = pairOf(call, x, scales, [1, 1, 1, 1]);
  const options = { mode: modeOf(call), coordinates: 'asymmetric', rounding: 'floor' } as const;
  return resize2d(call.g, x, { ...options, scale });
}

export const resize: OperatorRows = {
  importers: {
    Resize: importResize,
    Upsample: (call) =>
      scaled(call, call.attributes.floats('scales') ?? listOf(known(call, 1, 'the scales'))),
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
