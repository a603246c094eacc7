/** Resize, and Upsample before it. */
import { type Coordinates, type NearestRounding, resize2d } from '../layers/resize2d.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import type { Value } from '../runtime/graph.ts';
import { elementCount, formatShape } from '../runtime/tensor.ts';
import { axisOf, listOf } from './fold.ts';
import { type ImportCall, known, knownIfGiven, value } from './import_node.ts';
import type { Constant } from './tensor.ts';

/** Maps, in which a file finds no `constructor`. */
const MODES: ReadonlyMap<string, 'nearest' | 'bilinear'> = new Map([
  ['nearest', 'nearest'],
  ['linear', 'bilinear'],
  ['bilinear', 'bilinear'],
]);

const COORDINATES: ReadonlySet<string> = new Set<Coordinates>([
  'half_pixel',
  'pytorch_half_pixel',
  'half_pixel_symmetric',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
]);

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

export function resize(call: ImportCall): Value {
  if (call.opset < 11) return scaled(call, known(call, 1, 'the scales'));
  const { attributes } = call;
  const coordinates = attributes.string('coordinate_transformation_mode', 'half_pixel');
  const rounding = ROUNDINGS.get(attributes.string('nearest_mode', 'round_prefer_floor'));
  if (!COORDINATES.has(coordinates)) {
    throw new UnsupportedError(`coordinate_transformation_mode is ${coordinates}`);
  }
  if (!rounding) throw new UnsupportedError('nearest_mode is not known');
  if (attributes.int('antialias', 0) !== 0) throw new UnsupportedError('antialias is 1');
  if (attributes.string('keep_aspect_ratio_policy', 'stretch') !== 'stretch') {
    throw new UnsupportedError('keep_aspect_ratio_policy is not stretch');
  }
  const x = value(call, 0);
  const options = { mode: modeOf(call), coordinates: coordinates as Coordinates, rounding };
  const scales = knownIfGiven(call, 2, 'the scales');
  if (scales && elementCount(scales.shape) > 0) {
    const scale = pairOf(call, x, listOf(scales), [1, 1, 1, 1]);
    return resize2d(call.g, x, { ...options, scale });
  }
  const size = pairOf(call, x, listOf(known(call, 3, 'the sizes')), x.desc.shape);
  return resize2d(call.g, x, { ...options, size });
}

export function upsample(call: ImportCall): Value {
  const scales = call.attributes.floats('scales');
  if (!scales) return scaled(call, known(call, 1, 'the scales'));
  return scaled(call, {
    name: '',
    shape: [scales.length],
    float: true,
    numbers: () => Float64Array.from(scales),
  });
}

/** As it was before coordinates could be chosen. */
function scaled(call: ImportCall, scales: Constant): Value {
  const x = value(call, 0);
  const scale = pairOf(call, x, listOf(scales), [1, 1, 1, 1]);
  const options = { mode: modeOf(call), coordinates: 'asymmetric', rounding: 'floor' } as const;
  return resize2d(call.g, x, { ...options, scale });
}
