/** Resize and Upsample, beside what ONNX's formulas give by hand. */
import { describe, it } from 'vitest';
import { float, int, ints, onnxAttribute, text } from '../../../test/fixtures/onnx_model.ts';
import {
  checkNodeCase,
  inOperatorSets,
  list,
  type NodeCase,
  one,
} from '../../../test/fixtures/onnx_node_cases.ts';
import { AttributeProto_AttributeType } from '../../../test/fixtures/onnx_schema/onnx_pb.ts';
import type { Shape } from '../../runtime/tensor.ts';

/** -4 to -1: linear in the position, so that linear interpolation gives back the position. */
const ROW: Shape = [1, 1, 1, 4];
const at = (...positions: number[]) => positions.map((x) => Math.min(Math.max(x, 0), 3) - 4);

function scalesOf(name: string, ...scales: number[]) {
  return { name, dims: [BigInt(scales.length)], dataType: 1, floatData: scales };
}

/** Three halves times the row: pixels lie at -1/6, 1/2, 7/6, 11/6, 5/2 and 19/6. */
const roundings: readonly NodeCase[] = (
  [
    ['round_prefer_floor', [0, 0, 1, 2, 2, 3]],
    ['round_prefer_ceil', [0, 1, 1, 2, 3, 3]],
    ['floor', [0, 0, 1, 1, 2, 3]],
    ['ceil', [0, 1, 2, 2, 3, 3]],
  ] as const
).map(([mode, pixels]) => ({
  what: `nearest, ${mode}`,
  from: 11,
  nodes: one('Resize', { nearest_mode: text(mode) }, 'x roi scales'),
  constants: [scalesOf('roi'), scalesOf('scales', 1, 1, 1, 1.5)],
  shape: ROW,
  expected: at(...pixels),
  outputShape: [1, 1, 1, 6],
}));

const coordinates: readonly NodeCase[] = (
  [
    ['half_pixel', 11, 0.5, [0.5, 2.5]],
    ['half_pixel', 11, 0.25, [1.5]],
    ['pytorch_half_pixel', 11, 0.5, [0.5, 2.5]],
    ['pytorch_half_pixel', 11, 0.25, [0]],
    ['align_corners', 11, 0.5, [0, 3]],
    ['asymmetric', 11, 0.5, [0, 2]],
    // 2 of 2.4 pixels, in the middle of which that of the row stays: 2 (1 - 2 / 2.4) more.
    ['half_pixel_symmetric', 19, 0.6, [2 / 3, 7 / 3]],
  ] as const
).map(([mode, from, scale, positions]) => ({
  what: `linear, ${mode}, by ${scale}`,
  from,
  nodes: one(
    'Resize',
    { mode: text('linear'), coordinate_transformation_mode: text(mode) },
    'x roi scales',
  ),
  constants: [scalesOf('roi'), scalesOf('scales', 1, 1, 1, scale)],
  shape: ROW,
  expected: at(...positions),
  outputShape: [1, 1, 1, positions.length],
}));

/** Keys' kernel. */
function cubicWeight(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d < 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
}

/** The row by the definition: four taps, of which those outside repeat the edge, or do not count. */
function cubicAt(position: number, a: number, excludeOutside: boolean): number {
  const taps = [-1, 0, 1, 2].map((i) => Math.floor(position) + i);
  const inside = excludeOutside ? taps.filter((i) => i >= 0 && i < 4) : taps;
  const weights = inside.map((i) => cubicWeight(i - position, a));
  const values = at(...inside);
  const total = weights.reduce((sum, w) => sum + w, 0);
  return weights.reduce((sum, w, i) => sum + w * (values[i] ?? 0), 0) / total;
}

const cubics: readonly NodeCase[] = (
  [
    [-0.75, false, {}],
    [-0.5, false, { cubic_coeff_a: float(-0.5) }],
    [-0.75, true, { exclude_outside: int(1) }],
  ] as const
).map(([a, excluded, attributes]) => ({
  what: `cubic, a of ${a}${excluded ? ', without what is outside' : ''}`,
  from: 11,
  nodes: one('Resize', { mode: text('cubic'), ...attributes }, 'x roi scales'),
  constants: [scalesOf('roi'), scalesOf('scales', 1, 1, 1, 2)],
  shape: ROW,
  expected: [0, 1, 2, 3, 4, 5, 6, 7].map((i) => cubicAt((i + 0.5) / 2 - 0.5, a, excluded)),
  outputShape: [1, 1, 1, 8],
}));

const cropped = {
  mode: text('linear'),
  coordinate_transformation_mode: text('tf_crop_and_resize'),
};
const others: readonly NodeCase[] = [
  {
    what: 'a crop by scales; 0 is what is outside',
    from: 11,
    nodes: one('Resize', cropped, 'x roi scales'),
    constants: [scalesOf('roi', 0, 0, 0, 0.5, 1, 1, 1, 1.5), scalesOf('scales', 1, 1, 1, 0.75)],
    shape: ROW,
    // From 1.5 to 4.5 in steps of 1.5.
    expected: [-2.5, -1, 0],
    outputShape: [1, 1, 1, 3],
  },
  {
    what: 'a crop of axes in another order',
    from: 18,
    nodes: one('Resize', { ...cropped, axes: ints(3, 2) }, 'x roi _ sizes'),
    constants: [scalesOf('roi', 0, 0.5, 1, 1), list('sizes', 2, 1)],
    shape: [1, 1, 3, 2],
    // The whole width, and of the height the middle of 1 to 2.
    expected: [-1, 0],
    outputShape: [1, 1, 1, 2],
  },
  {
    what: 'sizes, of which one stays',
    from: 13,
    nodes: one('Resize', { mode: text('linear') }, 'x roi _ sizes'),
    constants: [scalesOf('roi'), list('sizes', 1, 1, 2, 2)],
    shape: [1, 1, 2, 4],
    expected: [-3.5, -1.5, 0.5, 2.5],
    outputShape: [1, 1, 2, 2],
  },
  {
    what: 'sizes not smaller than those that are given, by the larger scale',
    from: 18,
    nodes: one(
      'Resize',
      {
        ...{ keep_aspect_ratio_policy: text('not_smaller'), nearest_mode: text('floor') },
        ...{ axes: ints(2, 3), coordinate_transformation_mode: text('asymmetric') },
      },
      'x _ _ sizes',
    ),
    constants: [list('sizes', 2, 3)],
    shape: [1, 1, 1, 2],
    expected: [-4, -4, -3, -3, -4, -4, -3, -3],
    outputShape: [1, 1, 2, 4],
  },
  {
    what: 'sizes that are taken as they are, by scales of their own',
    from: 13,
    nodes: one('Resize', { mode: text('linear') }, 'x roi _ sizes'),
    constants: [scalesOf('roi'), list('sizes', 1, 1, 1, 1)],
    shape: [1, 1, 2, 4],
    expected: [-0.5],
    outputShape: [1, 1, 1, 1],
  },
];

/** Before operator set 11: asymmetric; the pixel below of what gets larger, and that above of what gets smaller. */
const OLD: readonly (readonly [
  what: string,
  mode: 'nearest' | 'linear',
  shape: Shape,
  scales: readonly number[],
  expected: readonly number[],
  outputShape: Shape,
])[] = [
  ['larger', 'nearest', ROW, [1, 1, 1, 1.5], at(0, 0, 1, 2, 2, 3), [1, 1, 1, 6]],
  ['larger', 'linear', ROW, [1, 1, 1, 1.6], at(0, 0.625, 1.25, 1.875, 2.5, 3), [1, 1, 1, 6]],
  ['smaller', 'linear', ROW, [1, 1, 1, 0.8], at(0, 1.25, 2.5), [1, 1, 1, 3]],
  ['of both', 'linear', [1, 1, 2, 2], [1, 1, 0.5, 2], [-4, -3.5, -3, -3], [1, 1, 1, 4]],
];

const old: readonly NodeCase[] = OLD.flatMap(
  ([what, mode, shape, scales, expected, outputShape]) => {
    const form = { shape, expected, outputShape };
    const constants = [scalesOf('scales', ...scales)];
    const attributes = { mode: text(mode) };
    const floats = {
      name: 'scales',
      type: AttributeProto_AttributeType.FLOATS,
      floats: [...scales],
    };
    const grows = scales.every((scale) => scale >= 1);
    const resize: NodeCase = {
      ...{ ...form, what: `Resize, ${what}, ${mode}`, from: 10, to: 10, constants },
      nodes: one('Resize', attributes, 'x scales'),
    };
    if (!grows) return [resize];
    return [
      resize,
      {
        ...{ ...form, what: `Upsample, ${what}, ${mode}, by an input`, from: 9, to: 9, constants },
        nodes: one('Upsample', attributes, 'x scales'),
      },
      {
        ...{ ...form, what: `Upsample, ${what}, ${mode}, by an attribute`, from: 7, to: 8 },
        nodes: [
          {
            ...{ opType: 'Upsample', input: ['x'], output: ['y'] },
            attribute: [onnxAttribute('mode', attributes.mode), floats],
          },
        ],
      },
    ];
  },
);

describe('loadOnnx', () => {
  it.each(inOperatorSets([...roundings, ...coordinates, ...cubics, ...others, ...old]))(
    'resizes, %s, of operator set %i',
    (_, opset, one) => checkNodeCase(one, opset),
  );
});
