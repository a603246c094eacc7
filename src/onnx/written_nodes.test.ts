/** What layers are in ONNX: operators, their attributes and constants, and the operator set that has them. */
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import * as f from '../../shaders/lib/expression_functions.ts';
import {
  type AttributeProto,
  ModelProtoSchema,
  AttributeProto_AttributeType as Type,
} from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { clip, elu, hardSigmoid, leakyRelu } from '../layers/activations.ts';
import { adaptiveAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { argMax, argMin } from '../layers/arg_reduce.ts';
import { binary } from '../layers/arithmetic.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { col2im } from '../layers/col2im.ts';
import { concat } from '../layers/concat.ts';
import { convTranspose2d } from '../layers/conv_transpose2d.ts';
import { conv2d } from '../layers/conv2d.ts';
import { cumSum } from '../layers/cum_sum.ts';
import { deformConv2d } from '../layers/deform_conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { gridSample } from '../layers/grid_sample.ts';
import { localResponseNorm } from '../layers/local_response_norm.ts';
import { matmul } from '../layers/matmul.ts';
import { maxPool2dIndices } from '../layers/max_pool2d_indices.ts';
import { normalize } from '../layers/normalize.ts';
import { pad2d } from '../layers/pad2d.ts';
import { averagePool2d, maxPool2d } from '../layers/pool2d.ts';
import { rearrange } from '../layers/rearrange.ts';
import { reduce } from '../layers/reduce.ts';
import { resize } from '../layers/resize.ts';
import { resize2d } from '../layers/resize2d.ts';
import { roiAlign } from '../layers/roi_align.ts';
import { logSoftmax, softmax } from '../layers/softmax.ts';
import { topElements } from '../layers/top_k.ts';
import type { Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { DepthToSpace, Expand, Pad, Slice, Tile } from '../runtime/movement/index.ts';
import type { Shape } from '../runtime/tensor.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { exportOnnx } from './export.ts';
import { constantOf } from './tensor.ts';

type Build = (g: GraphBuilder, x: Value) => Value;

function attributeText({ name, type, f: float, i, ints, s }: AttributeProto): string {
  if (type === Type.INTS) return `${name}=${ints.join(',')}`;
  if (type === Type.STRING) return `${name}=${new TextDecoder().decode(s)}`;
  return `${name}=${type === Type.INT ? i : Number(float.toPrecision(6))}`;
}

/** The nodes of a graph of one layer: an operator, its inputs, of which constants are values, and its attributes. */
function written(build: Build, shape: Shape): { readonly nodes: readonly string[]; opset: number } {
  const g = GraphBuilder.create();
  g.output('y', build(g.at('l'), g.input('x', shape)));
  const bytes = exportOnnx(g.build('one'), syntheticWeights([]));
  const { graph, opsetImport } = fromBinary(ModelProtoSchema, bytes);
  const constants = new Map(
    (graph?.initializer ?? [])
      .map((tensor) => constantOf(tensor, tensor.name, undefined))
      .map(({ name, shape: own, numbers }) => [
        name,
        own.length < 2 && name.includes('/')
          ? `[${[...numbers()].join(',')}]`
          : `<${own.join(',')}>`,
      ]),
  );
  const names = [
    ...(graph?.initializer ?? []).map(({ name }) => name),
    ...(graph?.node ?? []).flatMap(({ name, output }) => [name, ...output]),
  ];
  // Each has a part of its own after the layer's name.
  expect(names.filter((name) => name.split(/[/.]/).includes(''))).toEqual([]);
  const nodes = (graph?.node ?? []).map(({ opType, input, attribute }) =>
    [
      `${opType}(${input.map((name) => constants.get(name) ?? name).join(' ')})`,
      ...attribute.map(attributeText),
    ].join(' '),
  );
  return { nodes, opset: Number(opsetImport[0]?.version) };
}

const MAP: Shape = [2, 3, 6, 5];
const SIDES = { top: 1, left: 2, bottom: 0, right: 3 };
const WINDOW = { kernel: [3, 2], stride: [2, 1], padding: SIDES, dilation: [1, 2] } as const;
/** The window as attributes; the last pads are given. */
const written2d = (pads: string) => `kernel_shape=3,2 strides=2,1 dilations=1,2 pads=${pads}`;

const CASES: readonly (readonly [
  what: string,
  build: Build,
  nodes: readonly string[],
  opset?: number,
  shape?: Shape,
])[] = [
  [
    'conv2d',
    (g, x) => conv2d(g, x, { ...WINDOW, channels: 6, groups: 3 }),
    [`Conv(x <6,1,3,2> <6>) ${written2d('1,2,0,3')} group=3`],
  ],
  [
    'convTranspose2d',
    (g, x) =>
      convTranspose2d(g, x, {
        channels: 6,
        kernel: 2,
        stride: [2, 3],
        outputPadding: [1, 2],
        groups: 3,
        bias: false,
      }),
    [
      'ConvTranspose(x <3,2,2,2>) kernel_shape=2,2 strides=2,3 dilations=1,1 pads=0,0,0,0 output_padding=1,2 group=3',
    ],
  ],
  [
    'maxPool2d',
    (g, x) => maxPool2d(g, x, { ...WINDOW, padding: { top: 1, left: 1, bottom: 0, right: 0 } }),
    [`MaxPool(x) ${written2d('1,1,0,0')}`],
  ],
  [
    // Of 6 + 1 rows, 3 by 2 in ceil mode reach to the end, of 6 + 2 one beyond it; taps 2 apart reach 3 columns.
    'maxPool2d in ceil mode',
    (g, x) =>
      maxPool2d(g, x, {
        kernel: [3, 2],
        stride: [2, 2],
        padding: { top: 1, left: 0, bottom: 1, right: 0 },
        dilation: [1, 2],
        ceilMode: true,
      }),
    ['MaxPool(x) kernel_shape=3,2 strides=2,2 dilations=1,2 pads=1,0,2,0'],
  ],
  [
    'maxPool2d, padded by as much as the window, not in ceil mode',
    (g, x) => maxPool2d(g, x, { kernel: 2, dilation: 4, padding: 2 }),
    ['MaxPool(x) kernel_shape=2,2 strides=2,2 dilations=4,4 pads=2,2,2,2'],
  ],
  [
    'maxPool2d in ceil mode, as far beyond the end as the window',
    (g, x) => maxPool2d(g, x, { kernel: 2, dilation: 3, stride: 3, ceilMode: true }),
    ['MaxPool(x) kernel_shape=2,2 strides=3,3 dilations=3,3 pads=0,0,0,0 ceil_mode=1'],
  ],
  [
    'maxPool2dIndices by columns',
    (g, x) => maxPool2dIndices(g, x, { kernel: 2, order: 'columns' }),
    [
      'MaxPool(x) kernel_shape=2,2 strides=2,2 dilations=1,1 pads=0,0,0,0 storage_order=1',
      'Cast(l/indices) to=1',
    ],
  ],
  [
    'averagePool2d, of what is inside, in ceil mode',
    (g, x) => averagePool2d(g, x, { kernel: 2, ceilMode: true, countIncludePad: false }),
    ['AveragePool(x) kernel_shape=2,2 strides=2,2 pads=0,0,0,1 count_include_pad=0'],
  ],
  [
    'averagePool2d, of the padding too, in ceil mode',
    (g, x) => averagePool2d(g, x, { kernel: 2, ceilMode: true, countIncludePad: true, padding: 1 }),
    ['AveragePool(x) kernel_shape=2,2 strides=2,2 pads=1,1,1,1 ceil_mode=1 count_include_pad=1'],
  ],
  ['the mean of maps', (g, x) => adaptiveAveragePool2d(g, x, [1, 1]), ['GlobalAveragePool(x)']],
  [
    'means of equal parts',
    (g, x) => adaptiveAveragePool2d(g, x, [3, 1]),
    ['AveragePool(x) kernel_shape=2,5 strides=2,5'],
  ],
  [
    'means of one row',
    (g, x) => adaptiveAveragePool2d(g, x, [1, 5]),
    ['AveragePool(x) kernel_shape=6,1 strides=6,1'],
  ],
  [
    'means of parts that overlap',
    (g, x) => adaptiveAveragePool2d(g, x, [3, 2]),
    ['MatMul(x <5,2>)', 'MatMul(<3,6> l/MatMul)'],
  ],
  [
    'means of parts of rows',
    (g, x) => adaptiveAveragePool2d(g, x, [4, 5]),
    ['MatMul(x <5,5>)', 'MatMul(<4,6> l/MatMul)'],
  ],
  [
    'batchNorm',
    (g, x) => batchNorm(g, x, 0.25),
    ['BatchNormalization(x <3> <3> <3> <3>) epsilon=0.25'],
  ],
  [
    'localResponseNorm',
    (g, x) => localResponseNorm(g, x, { size: 5, alpha: 0.5, beta: 0.25, bias: 2 }),
    ['LRN(x) size=5 alpha=0.5 beta=0.25 bias=2'],
  ],
  ['softmax', (g, x) => softmax(g, x, 2), ['Softmax(x) axis=2']],
  ['logSoftmax', (g, x) => logSoftmax(g, x), ['LogSoftmax(x) axis=1']],
  ['concat', (g, x) => concat(g, [x, x], 2), ['Concat(x x) axis=2']],
  [
    'argMax',
    (g, x) => argMax(g, x, { axis: 2 }),
    ['ArgMax(x) axis=2 keepdims=0 select_last_index=0', 'Cast(l/ArgMax) to=1'],
  ],
  [
    'argMin, the last',
    (g, x) => argMin(g, x, { axis: 1, keepAxis: true, takes: 'last' }),
    ['ArgMin(x) axis=1 keepdims=1 select_last_index=1', 'Cast(l/ArgMin) to=1'],
  ],
  [
    'cumSum',
    (g, x) => cumSum(g, x, 2, { exclusive: true }),
    ['CumSum(x [2]) exclusive=1 reverse=0'],
  ],
  [
    'cumSum from the end',
    (g, x) => cumSum(g, x, 0, { reverse: true }),
    ['CumSum(x [0]) exclusive=0 reverse=1'],
  ],
  [
    'a reduction',
    (g, x) => reduce(g, x, 'l1', { axes: [1, 2] }),
    ['ReduceL1(x [1,2]) keepdims=1'],
    18,
  ],
  [
    'a reduction that drops axes',
    (g, x) => reduce(g, x, 'mean', { axes: [3], keepAxes: false }),
    ['ReduceMean(x [3]) keepdims=0'],
    18,
  ],
  [
    'topElements',
    (g, x) => topElements(g, x, 2, 'least'),
    [
      'TopK(x [2]) axis=1 largest=0',
      'Cast(l/indices) to=1',
      'Unsqueeze(l/values [2])',
      'Unsqueeze(l/Cast [2])',
      'Concat(l/Unsqueeze l/Unsqueeze#2) axis=2',
    ],
    17,
    [3, 7],
  ],
  [
    'pad2d',
    (g, x) => pad2d(g, x, SIDES, { value: 0.5 }),
    ['Pad(x [0,0,1,2,0,0,0,3] [0.5]) mode=constant'],
  ],
  [
    'pad2d of the edge',
    (g, x) => pad2d(g, x, SIDES, { mode: 'edge' }),
    ['Pad(x [0,0,1,2,0,0,0,3]) mode=edge'],
  ],
  [
    'pad2d around',
    (g, x) => pad2d(g, x, SIDES, { mode: 'wrap' }),
    ['Pad(x [0,0,1,2,0,0,0,3]) mode=wrap'],
    19,
  ],
  [
    'gridSample',
    (g, x) => gridSample(g, x, g.input('p', [2, 4, 5, 2])),
    ['GridSample(x p) padding_mode=zeros align_corners=0'],
  ],
  [
    'gridSample of the nearest',
    (g, x) =>
      gridSample(g, x, g.input('p', [2, 4, 5, 2]), {
        filter: 'nearest',
        padding: 'border',
        alignCorners: true,
      }),
    ['GridSample(x p) mode=nearest padding_mode=border align_corners=1'],
  ],
  [
    'gridSample, cubic',
    (g, x) => gridSample(g, x, g.input('p', [2, 4, 5, 2]), { filter: 'cubic' }),
    ['GridSample(x p) mode=cubic padding_mode=zeros align_corners=0'],
    20,
  ],
  [
    'gridSample of volumes',
    (g, x) => gridSample(g, x, g.input('p', [1, 2, 2, 2, 3])),
    ['GridSample(x p) padding_mode=zeros align_corners=0'],
    20,
    [1, 1, 3, 3, 3],
  ],
  [
    'roiAlign',
    (g, x) =>
      roiAlign(g, x, g.input('r', [1, 4]), g.input('i', [1]), {
        mode: 'max',
        size: [2, 3],
        samples: 4,
        scale: 0.5,
        halfPixel: false,
      }),
    [
      'Cast(i) to=7',
      'RoiAlign(x r l/Cast) coordinate_transformation_mode=output_half_pixel mode=max output_height=2 output_width=3 sampling_ratio=4 spatial_scale=0.5',
    ],
  ],
  [
    'resize2d to a size',
    (g, x) => resize2d(g, x, { size: [12, 9], mode: 'nearest' }),
    [
      'Resize(x   [12,9]) axes=2,3 mode=nearest coordinate_transformation_mode=half_pixel nearest_mode=round_prefer_floor',
    ],
    18,
  ],
  [
    'resize2d by a scale that is rounded',
    (g, x) => resize2d(g, x, { scale: [2, 1.5], mode: 'bilinear' }),
    [
      'Resize(x  [2,1.5]) axes=2,3 mode=linear coordinate_transformation_mode=half_pixel nearest_mode=round_prefer_floor',
    ],
    18,
  ],
  [
    'resize of an axis, cubic',
    (g, x) =>
      resize(g, x, [{ axis: 1, size: 7 }], {
        filter: 'cubic',
        cubic: -0.5,
        excludeOutside: true,
        antialias: true,
      }),
    [
      'Resize(x   [7]) axes=1 mode=cubic coordinate_transformation_mode=half_pixel nearest_mode=round_prefer_floor antialias=1 exclude_outside=1 cubic_coeff_a=-0.5',
    ],
    18,
  ],
  [
    'resize of an axis by a scale, cropped',
    (g, x) =>
      resize(g, x, [{ axis: 2, scale: 0.5, crop: { from: 0.25, to: 0.75, value: 9 } }], {
        filter: 'linear',
      }),
    [
      'Resize(x [0.25,0.75] [0.5]) axes=2 mode=linear coordinate_transformation_mode=tf_crop_and_resize nearest_mode=round_prefer_floor extrapolation_value=9',
    ],
    18,
  ],
  [
    'resize by symmetric coordinates',
    (g, x) =>
      resize(g, x, [{ axis: 1, scale: 0.5 }], {
        filter: 'linear',
        coordinates: 'half_pixel_symmetric',
        rounding: 'ceil',
      }),
    [
      'Resize(x  [0.5]) axes=1 mode=linear coordinate_transformation_mode=half_pixel_symmetric nearest_mode=ceil',
    ],
    19,
  ],
  [
    'col2im',
    (g, x) =>
      col2im(g, x, [
        { size: 7, kernel: 3, stride: 2, padding: [1, 2] },
        { size: 5, kernel: 2, dilation: 3, padding: [0, 0] },
      ]),
    ['Col2Im(x [7,5] [3,2]) strides=2,1 dilations=1,3 pads=1,0,2,0'],
    18,
    [2, 6, 8],
  ],
  [
    'deformConv2d with a mask',
    (g, x) =>
      deformConv2d(g, x, g.input('o', [2, 24, 5, 4]), {
        channels: 3,
        kernel: 2,
        groups: 3,
        bias: false,
        mask: g.input('m', [2, 12, 5, 4]),
      }),
    [
      'DeformConv(x <3,1,2,2> o  m) kernel_shape=2,2 strides=1,1 dilations=1,1 pads=0,0,0,0 group=3 offset_group=3',
    ],
    19,
  ],
  ['clip', (g, x) => clip(g, x, { least: -1, most: 2 }), ['Clip(x [-1] [2])']],
  ['clip from below', (g, x) => clip(g, x, { least: -1 }), ['Clip(x [-1])']],
  ['clip from above', (g, x) => clip(g, x, { most: 2 }), ['Clip(x  [2])']],
  ['elu', (g, x) => elu(g, x, 0.5), ['Elu(x) alpha=0.5']],
  ['elu of 1', (g, x) => elu(g, x), ['Elu(x) alpha=1']],
  ['leakyRelu', (g, x) => leakyRelu(g, x, 0.2), ['LeakyRelu(x) alpha=0.2']],
  ['hardSigmoid', (g, x) => hardSigmoid(g, x), ['HardSigmoid(x) alpha=0.166667 beta=0.5']],
  // Not of a difference, which is no Clip where its arguments change places.
  ['a difference from a number', (g, x) => binary(g, f.sub, 2, x), ['Sub([2] x)']],
  ['a sum of a number', (g, x) => binary(g, f.add, 2, x), ['Add([2] x)']],
  [
    'matmul of matrices, transposed',
    (g, x) =>
      matmul(g, x, g.input('b', [7, 2]), { transposeA: true, transposeB: true, scale: 0.5 }),
    ['Gemm(x b) transA=1 transB=1 alpha=0.5'],
    17,
    [2, 3],
  ],
  [
    'matmul of stacks, scaled',
    (g, x) => matmul(g, x, g.input('b', [2, 4, 3]), { transposeB: true, scale: 0.5 }),
    ['Transpose(b) perm=0,2,1', 'MatMul(x l/Transpose)', 'Mul(l/MatMul [0.5])'],
    17,
    [2, 2, 3],
  ],
  [
    'normalize of maps',
    (g, x) => normalize(g, x, { from: 2, epsilon: 0.5 }),
    ['InstanceNormalization(x [1,1,1] [0,0,0]) epsilon=0.5'],
  ],
  [
    'normalize of rows',
    (g, x) => normalize(g, x, { from: 3, epsilon: 0.5 }),
    ['LayerNormalization(x [1,1,1,1,1]) axis=3 epsilon=0.5'],
  ],
  [
    'normalize in groups',
    (g, x) => normalize(g, x, { from: 1, groups: 3 }),
    [
      'Reshape(x [0,3,1,6,5])',
      'InstanceNormalization(l/Reshape [1,1,1] [0,0,0]) epsilon=0.00001',
      'Reshape(l/InstanceNormalization [0,3,6,5])',
    ],
  ],
  ['flatten', (g, x) => flatten(g, x), ['Flatten(x) axis=1']],
  ['flatten from another axis', (g, x) => flatten(g, x, 2), ['Reshape(x [0,0,-1])']],
  [
    'a slice',
    (g, x) => rearrange(g, x, [new Slice({ axis: 2, from: 1, to: -1, step: 2 })]),
    ['Slice(x [1] [-1] [2] [2])'],
  ],
  [
    'a slice back to front',
    (g, x) => rearrange(g, x, [new Slice({ axis: 3, from: -1, step: -2 })]),
    ['Slice(x [-1] [-2147483647] [3] [-2])'],
  ],
  [
    'a slice to the end',
    (g, x) => rearrange(g, x, [new Slice({ axis: 3, from: 2, step: 1 })]),
    ['Slice(x [2] [2147483647] [3] [1])'],
  ],
  [
    'a border',
    (g, x) => rearrange(g, x, [new Pad({ before: [0, 1, 0, 0], after: [0, 0, 2, 0], value: 3 })]),
    ['Pad(x [0,1,0,0,0,0,2,0] [3])'],
  ],
  [
    'an expansion',
    (g, x) => rearrange(g, x, [new Expand({ shape: [4, 2, 3, 6, 5] })]),
    ['Expand(x [4,1,1,1,1])'],
  ],
  [
    'tiles',
    (g, x) => rearrange(g, x, [new Tile({ repeats: [1, 2, 1, 3] })]),
    ['Tile(x [1,2,1,3])'],
  ],
  [
    'depth to space',
    (g, x) => rearrange(g, x, [new DepthToSpace({ block: 1, order: 'CRD' })]),
    ['DepthToSpace(x) blocksize=1 mode=CRD'],
  ],
];

describe('exportOnnx', () => {
  it.each(
    CASES.map(([what, build, nodes, opset = 17, shape = MAP]) => ({
      ...{ what, build, nodes, opset, shape },
    })),
  )('writes $what', ({ build, nodes, opset, shape }) => {
    expect(written(build, shape)).toEqual({ nodes, opset });
  });

  it('refuses a size of an axis that counts by another scale', () => {
    const build: Build = (g, x) => resize(g, x, [{ axis: 2, scale: 0.5, size: 4 }]);
    expect(() => written(build, MAP)).toThrow(
      'ONNX has no size 4 that counts by a scale of 0.5; give one of them',
    );
  });
});
