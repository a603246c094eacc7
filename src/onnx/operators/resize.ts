/** Resize, and Upsample before it. */
import { COORDINATES, scaledExtent } from '../../layers/coordinates.ts';
import { resize as layer, type ResizedAxis, type ResizeOptions } from '../../layers/resize.ts';
import { type ResizeAxisAttributes, resizeAxisOp } from '../../layers/resize_axis.ts';
import { type Resize2dAttributes, resize2dOp } from '../../layers/resize2d.ts';
import type { Node, Value } from '../../runtime/graph.ts';
import { inputShape } from '../../runtime/operator.ts';
import { formatShape } from '../../runtime/tensor.ts';
import type { Attributes } from '../attribute.ts';
import { demand } from '../errors.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import { axisOf, type ImportCall, type Importers } from '../import_node.ts';
import type { OnnxWriter } from '../onnx_writer.ts';

const ROUNDINGS = {
  round_prefer_floor: 'prefer_floor',
  round_prefer_ceil: 'prefer_ceil',
  floor: 'floor',
  ceil: 'ceil',
} as const;

const CROPPED = 'tf_crop_and_resize';

function filterOf(call: ImportCall): 'nearest' | 'linear' | 'cubic' {
  const mode = call.choice('mode', 'nearest', 'linear', 'bilinear', 'cubic');
  return mode === 'bilinear' ? 'linear' : mode;
}

/** One of these for each axis that is given, in their order. */
function listedAxes(call: ImportCall, x: Value, given: readonly number[]): readonly number[] {
  const { shape } = x.desc;
  const axes = call.ints('axes')?.map((axis) => axisOf(axis, shape.length)) ?? [...shape.keys()];
  const once = new Set(axes).size === axes.length;
  demand(once, `axes [${axes}] of ${formatShape(shape)} are given twice`);
  const paired = given.length === axes.length;
  demand(paired, `${given.length} extents for ${axes.length} axes of ${formatShape(shape)}`);
  return axes;
}

function importResize(call: ImportCall): Value {
  if (call.opset < 11) return scaled(call, call.numbers(1, 'the scales'));
  const x = call.value(0);
  const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;
  const mode = call.choice('coordinate_transformation_mode', ...COORDINATES, CROPPED);
  const options: ResizeOptions = {
    filter: filterOf(call),
    coordinates: mode === CROPPED ? 'align_corners' : mode,
    rounding: ROUNDINGS[call.choice('nearest_mode', ...roundings)],
    antialias: call.flag('antialias'),
    excludeOutside: call.flag('exclude_outside'),
    cubic: call.float('cubic_coeff_a', -0.75),
  };
  const resized = resizedAxes(call, x);
  const axes = mode === CROPPED ? cropped(call, resized) : resized.filter(changes(x));
  return layer(call.g, x, axes, options);
}

/** Those that stay as they are need no layer. */
function changes(x: Value): (axis: ResizedAxis) => boolean {
  return ({ axis, size, scale }) =>
    scale !== undefined ? scale !== 1 : size !== x.desc.shape[axis];
}

function resizedAxes(call: ImportCall, x: Value): readonly ResizedAxis[] {
  const scales = call.numbersIfGiven(2, 'the scales') ?? [];
  if (scales.length > 0) {
    return listedAxes(call, x, scales).map((axis, i) => ({ axis, scale: scales[i] ?? 1 }));
  }
  const sizes = call.numbers(3, 'the sizes');
  const axes = listedAxes(call, x, sizes);
  const policy = call.choice('keep_aspect_ratio_policy', 'stretch', 'not_larger', 'not_smaller');
  if (policy === 'stretch') return axes.map((axis, i) => ({ axis, size: sizes[i] ?? 1 }));
  const extents = axes.map((axis) => x.desc.shape[axis] ?? 1);
  const factors = sizes.map((size, i) => size / (extents[i] ?? 1));
  const scale = policy === 'not_larger' ? Math.min(...factors) : Math.max(...factors);
  return axes.map((axis, i) => {
    const extent = extents[i] ?? 1;
    const size = Math.round(scale * extent);
    // Coordinates count by the common scale, and that says the size, unless this is rounded up.
    return scaledExtent(extent, scale) === size ? { axis, scale } : { axis, scale, size };
  });
}

/** The region of interest has all beginnings first. */
function cropped(call: ImportCall, axes: readonly ResizedAxis[]): readonly ResizedAxis[] {
  const roi = call.numbers(1, 'the region of interest');
  const paired = roi.length === 2 * axes.length;
  demand(paired, `the region of interest has ${roi.length} numbers for ${axes.length} axes`);
  const value = call.float('extrapolation_value', 0);
  return axes.map((axis, i) => {
    const [from = 0, to = 1] = [roi[i], roi[axes.length + i]];
    return { ...axis, crop: { from, to, value } };
  });
}

/** As it was before coordinates could be chosen: what gets smaller takes the pixel above, as onnxruntime has it. */
function scaled(call: ImportCall, scales: readonly number[]): Value {
  const x = call.value(0);
  const axes = listedAxes(call, x, scales)
    .map((axis, i) => ({ axis, scale: scales[i] ?? 1 }))
    .filter(changes(x));
  const options = { filter: filterOf(call), coordinates: 'asymmetric' } as const;
  demand(options.filter !== 'cubic', 'mode is cubic; nearest and linear are read');
  const smaller = axes.filter(({ scale }) => scale < 1);
  const larger = axes.filter(({ scale }) => scale >= 1);
  if (smaller.length === 0) return layer(call.g, x, larger, { ...options, rounding: 'floor' });
  const g = larger.length === 0 ? call.g : call.g.at('smaller');
  const shrunk = layer(g, x, smaller, { ...options, rounding: 'ceil' });
  if (larger.length === 0) return shrunk;
  return layer(call.g, shrunk, larger, { ...options, rounding: 'floor' });
}

function writeAxis(node: Node<ResizeAxisAttributes, 'x'>, writer: OnnxWriter): void {
  const { axis, filter, coordinates, rounding, crop, scale, size } = node.attributes;
  const { antialias, excludeOutside, cubic } = node.attributes;
  const extent = inputShape(node, 'x')[axis] ?? 1;
  const both = size !== undefined && scale !== undefined && scaledExtent(extent, scale) !== size;
  demand(!both, `ONNX has no size ${size} that counts by a scale of ${scale}; give one of them`);
  const name = `${node.name}/roi`;
  const roi = crop ? writer.floats(name, [2], Float32Array.of(crop.from, crop.to)) : '';
  const extents =
    scale === undefined
      ? ['', writer.integers(node, 'sizes', [size ?? extent])]
      : [writer.floats(`${node.name}/scales`, [1], Float32Array.of(scale))];
  writer.requireOpset(18);
  writeResize(node, writer, [roi, ...extents], {
    axes: { ints: [axis] },
    mode: { string: filter },
    ...placing(writer, crop ? CROPPED : coordinates, rounding),
    ...(antialias && { antialias: { int: true } }),
    ...(excludeOutside && { exclude_outside: { int: true } }),
    ...(filter === 'cubic' && { cubic_coeff_a: { float: cubic } }),
    ...(crop && { extrapolation_value: { float: crop.value } }),
  });
}

/** By its size, as ONNX rounds a scale to f32; but where that was rounded down, coordinates count by the scale. */
function extentsOf(node: Node<Resize2dAttributes, 'x' | 'like'>, writer: OnnxWriter) {
  const { scale } = node.attributes;
  const [, , ...input] = inputShape(node, 'x');
  const [, , ...output] = node.output.desc.shape;
  const rounded = scale?.some((factor, i) => factor * (input[i] ?? 1) !== output[i]);
  return scale && rounded
    ? [writer.floats(`${node.name}/scales`, [2], Float32Array.from(scale))]
    : ['', writer.integers(node, 'sizes', output)];
}

function placing(
  writer: OnnxWriter,
  coordinates: (typeof COORDINATES)[number] | typeof CROPPED,
  rounding: ResizeAxisAttributes['rounding'],
): Attributes {
  writer.requireOpset(coordinates === 'half_pixel_symmetric' ? 19 : 18);
  return {
    coordinate_transformation_mode: { string: coordinates },
    nearest_mode: { string: rounding.startsWith('prefer') ? `round_${rounding}` : rounding },
  };
}

function writeResize(
  node: Node<object, 'x'>,
  writer: OnnxWriter,
  extents: readonly string[],
  attributes: Attributes,
): void {
  writer.layer(node, 'Resize', [...read(writer, node, 'x'), ...extents], attributes);
}

export const importers: Importers = {
  Resize: importResize,
  Upsample: (call) => scaled(call, call.floats('scales') ?? call.numbers(1, 'the scales')),
};

export const exporters: Exporters = [
  // Of height and width alone, so that the batch may be left open.
  exporter(resize2dOp, (node, writer) => {
    const { mode, coordinates, rounding } = node.attributes;
    writeResize(node, writer, ['', ...extentsOf(node, writer)], {
      axes: { ints: [2, 3] },
      mode: { string: mode === 'bilinear' ? 'linear' : 'nearest' },
      ...placing(writer, coordinates, rounding),
    });
  }),
  exporter(resizeAxisOp, writeAxis),
];
