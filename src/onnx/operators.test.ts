/** Every operator of this library as ONNX has it: read back, and run by onnxruntime where that is installed. */
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { apply, operand } from '../../shaders/lib/expression.ts';
import * as f from '../../shaders/lib/expression_functions.ts';
import { toBfloat16 } from '../../shaders/lib/narrow_floats.ts';
import { expectReference, inputsOf, largest } from '../../test/fixtures/compare_graphs.ts';
import { expectClose } from '../../test/fixtures/expect_close.ts';
import { ModelProtoSchema } from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { findOnnxRuntime, runOnnxRuntime } from '../../test/fixtures/onnxruntime.ts';
import { optimized } from '../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { randomMovement } from '../../test/fixtures/random_movement.ts';
import {
  clip,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mish,
  prelu,
  relu,
  selu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from '../layers/activations.ts';
import { adaptiveAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { argMax, argMin } from '../layers/arg_reduce.ts';
import { add, binary } from '../layers/arithmetic.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { col2im } from '../layers/col2im.ts';
import { concat } from '../layers/concat.ts';
import { convTranspose2d } from '../layers/conv_transpose2d.ts';
import { convTranspose3d } from '../layers/conv_transpose3d.ts';
import { conv2d } from '../layers/conv2d.ts';
import { conv2dDynamic } from '../layers/conv2d_dynamic.ts';
import { type Conv3dOptions, conv3d } from '../layers/conv3d.ts';
import { cumSum } from '../layers/cum_sum.ts';
import { deformConv2d } from '../layers/deform_conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { gather } from '../layers/gather.ts';
import { gridSample } from '../layers/grid_sample.ts';
import { operators } from '../layers/index.ts';
import { linear } from '../layers/linear.ts';
import { localResponseNorm } from '../layers/local_response_norm.ts';
import { matmul } from '../layers/matmul.ts';
import { maxPool2dIndices } from '../layers/max_pool2d_indices.ts';
import { maxUnpool } from '../layers/max_unpool.ts';
import { instanceNorm, normalize } from '../layers/normalize.ts';
import { pad2d } from '../layers/pad2d.ts';
import { pointwise, pointwiseOp } from '../layers/pointwise.ts';
import { averagePool2d, maxPool2d } from '../layers/pool2d.ts';
import { averagePool3d, maxPool3d } from '../layers/pool3d.ts';
import { rearrange, reshapeTo } from '../layers/rearrange.ts';
import { reduce } from '../layers/reduce.ts';
import { type ResizedAxis, type ResizeOptions, resize } from '../layers/resize.ts';
import { resize2d } from '../layers/resize2d.ts';
import { roiAlign } from '../layers/roi_align.ts';
import { scatter } from '../layers/scatter.ts';
import { logSoftmax, softmax } from '../layers/softmax.ts';
import { topElements } from '../layers/top_k.ts';
import { runReference } from '../reference.ts';
import type { Graph, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  DepthToSpace,
  describeMovement,
  Expand,
  type Movement,
  Pad,
  ShuffleChannels,
  Slice,
  SpaceToDepth,
  Squeeze,
  Tile,
  Transpose,
  Unsqueeze,
} from '../runtime/movement/index.ts';
import type { Shape } from '../runtime/tensor.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { exportOnnx } from './export.ts';
import { loadOnnx } from './import.ts';

const weights = syntheticWeights([]);
const UNARY = [f.log, f.sqrt, f.round, f.ceil, f.sign, f.neg, f.cos, f.sin, f.erf];
const MAP: Shape = [2, 3, 6, 5];
const SIDES = { top: 1, left: 2, bottom: 0, right: 1 };

type Build = (g: GraphBuilder) => Value;
const map = (g: GraphBuilder) => g.input('x', MAP);
const volume = (g: GraphBuilder) => g.input('x', [2, 4, 5, 6, 7]);
const CUBES: Conv3dOptions = { channels: 6, kernel: 3, stride: [2, 1, 2], padding: 1, groups: 2 };
const pair = (g: GraphBuilder, a: Shape, b: Shape) => [g.input('x', a), g.input('z', b)] as const;

/** Each is read back, too; `written` are the nodes that it becomes, where there is a choice. */
const CASES: readonly (readonly [op: string, what: string, build: Build, written?: string])[] = [
  ['conv2d', 'in groups', (g) => conv2d(g, map(g), { channels: 6, kernel: 3, groups: 3 })],
  [
    'conv2d_dynamic',
    'with weights and bias that are inputs',
    (g) => {
      const [weight, bias] = [g.input('w', [4, 3, 3, 2]), g.input('b', [4])];
      return conv2dDynamic(g, map(g), weight, { bias, padding: 1, stride: [2, 1] });
    },
    'Conv',
  ],
  [
    'conv_transpose2d',
    'in groups, strided and padded',
    (g) =>
      convTranspose2d(g, map(g), {
        ...{ channels: 6, kernel: [3, 4], stride: [2, 3], padding: SIDES, groups: 3 },
        outputPadding: [1, 0],
      }),
    'ConvTranspose',
  ],
  [
    'conv_transpose2d',
    'dilated, without bias',
    (g) => convTranspose2d(g, map(g), { channels: 2, kernel: 3, dilation: 2, bias: false }),
    'ConvTranspose',
  ],
  ['rearrange', 'conv3d, in groups', (g) => conv3d(g, volume(g), CUBES)],
  ['rearrange', 'conv3d of planes', (g) => conv3d(g, volume(g), { ...CUBES, kernel: [1, 3, 2] })],
  ['rearrange', 'conv3d of slices', (g) => conv3d(g, volume(g), { ...CUBES, kernel: [2, 1, 1] })],
  [
    'rearrange',
    'convTranspose3d, in groups',
    (g) => convTranspose3d(g, volume(g), { ...CUBES, outputPadding: [1, 0, 1] }),
  ],
  [
    'rearrange',
    'convTranspose3d of slices',
    (g) => convTranspose3d(g, volume(g), { channels: 2, kernel: [3, 1, 1], stride: [2, 1, 1] }),
  ],
  [
    'rearrange',
    'maxPool3d',
    (g) => maxPool3d(g, volume(g), { kernel: 3, stride: 2, padding: 1, ceilMode: true }),
    'Reshape MaxPool Reshape MaxPool Reshape',
  ],
  [
    'rearrange',
    'averagePool3d',
    (g) => averagePool3d(g, volume(g), { kernel: 3, stride: 2, padding: 1 }),
    'Reshape AveragePool Reshape AveragePool Reshape',
  ],
  ['max_pool2d', 'with padding', (g) => maxPool2d(g, map(g), { kernel: 3, stride: 2, padding: 1 })],
  [
    'average_pool2d',
    'in ceil mode',
    (g) => averagePool2d(g, map(g), { kernel: 2, ceilMode: true }),
  ],
  [
    'max_pool2d',
    'dilated, as far beyond the end as the window',
    (g) => maxPool2d(g, map(g), { kernel: 2, dilation: 3, stride: 3, ceilMode: true }),
  ],
  [
    'average_pool2d',
    'not counting padding, by a window larger than the map',
    (g) =>
      averagePool2d(g, map(g), { kernel: 7, stride: 6, ceilMode: true, countIncludePad: false }),
  ],
  ['average_pool2d', 'dilated', (g) => averagePool2d(g, map(g), { kernel: 2, dilation: 2 })],
  ['adaptive_average_pool2d', 'of parts', (g) => adaptiveAveragePool2d(g, map(g), [3, 5])],
  ['batch_norm', 'of maps', (g) => batchNorm(g, map(g))],
  ['linear', 'of rows', (g) => linear(g, g.input('x', [2, 7]), { features: 4 })],
  ['softmax', 'over channels', (g) => softmax(g, map(g))],
  ['softmax', 'over the last axis', (g) => softmax(g, map(g), 3)],
  ['softmax', 'the logarithm', (g) => logSoftmax(g, map(g)), 'LogSoftmax'],
  ['concat', 'of channels', (g) => concat(g, pair(g, MAP, MAP))],
  ['resize2d', 'by a scale that is rounded down', (g) => resize2d(g, map(g), { scale: 1.3 })],
  ['resize2d', 'bilinear', (g) => resize2d(g, map(g), { mode: 'bilinear', scale: 2 })],
  ...resizedAxis('cubic', { size: 13 }, { filter: 'cubic', cubic: -0.5, excludeOutside: true }),
  ...resizedAxis('cubic, without aliasing', { size: 3 }, { filter: 'cubic', antialias: true }),
  ...resizedAxis('linear, without aliasing', { scale: 0.5 }, { antialias: true }),
  ...resizedAxis(
    'cropped',
    { size: 7, crop: { from: 0.25, to: 1.25, value: 0.5 } },
    { filter: 'nearest' },
  ),
  ['pointwise', 'relu', (g) => relu(g, map(g)), 'Relu'],
  ['pointwise', 'clip', (g) => clip(g, map(g), { least: -0.5, most: 0.75 }), 'Clip'],
  ['pointwise', 'clip from above', (g) => clip(g, map(g), { most: 0.75 }), 'Clip'],
  ['pointwise', 'clip from below', (g) => clip(g, map(g), { least: 0.75 }), 'Clip'],
  ['pointwise', 'leaky relu', (g) => leakyRelu(g, map(g), 0.2), 'LeakyRelu'],
  ['pointwise', 'sigmoid', (g) => sigmoid(g, map(g)), 'Sigmoid'],
  ['pointwise', 'tanh', (g) => tanh(g, map(g)), 'Tanh'],
  ['pointwise', 'hard sigmoid', (g) => hardSigmoid(g, map(g)), 'HardSigmoid'],
  ['pointwise', 'hard swish', (g) => hardSwish(g, map(g)), 'HardSwish'],
  ['pointwise', 'SiLU', (g) => silu(g, map(g)), 'Sigmoid Mul'],
  ['pointwise', 'GELU', (g) => gelu(g, map(g)), 'Gelu'],
  [
    'pointwise',
    'rounded to bfloat16',
    (g) => pointwise(g, [map(g)], (x = 0) => apply(toBfloat16, x)),
    'Cast Cast',
  ],
  ['pointwise', 'GELU by tanh', (g) => gelu(g, map(g), 'tanh'), 'Gelu'],
  ['pointwise', 'ELU', (g) => elu(g, map(g)), 'Elu'],
  ['pointwise', 'ELU, another alpha', (g) => elu(g, map(g), 0.3), 'Elu'],
  ['pointwise', 'SELU', (g) => selu(g, map(g)), 'Selu'],
  [
    'pointwise',
    'reciprocal',
    (g) => binary(g, f.div, 1, sigmoid(g.at('s'), map(g))),
    'Sigmoid Reciprocal',
  ],
  ['pointwise', 'softplus', (g) => softplus(g, map(g)), 'Softplus'],
  ['pointwise', 'mish', (g) => mish(g, map(g)), 'Mish'],
  ['pointwise', 'sum', (g) => add(g, ...pair(g, MAP, MAP)), 'Add'],
  ['pointwise', 'sum, repeated', (g) => binary(g, f.add, ...pair(g, MAP, [5])), 'Add'],
  ['pointwise', 'difference', (g) => binary(g, f.sub, ...pair(g, MAP, [3, 1, 1])), 'Sub'],
  ['pointwise', 'product', (g) => binary(g, f.mul, ...pair(g, MAP, MAP)), 'Mul'],
  [
    'pointwise',
    'quotient',
    (g) => binary(g, f.div, map(g), clip(g.at('clip'), g.input('z', MAP), { least: 1 })),
    'Clip Div',
  ],
  ['pointwise', 'power of a number', (g) => binary(g, f.pow, 2, map(g)), 'Pow'],
  [
    'pointwise',
    'a sum, its ReLU and a gate in one',
    (g) =>
      pointwise(g, [...pair(g, MAP, [2, 3, 1, 1])], (a = 0, b = 0) =>
        apply(f.mul, apply(f.max, 0, apply(f.add, a, b)), apply(f.sigmoid, b)),
      ),
    'Add Relu Sigmoid Mul',
  ],
  [
    'pointwise',
    'conditions',
    (g) =>
      pointwise(g, [...pair(g, MAP, MAP)], (a = 0, b = 0) =>
        apply(f.select, apply(f.less, a, b), apply(f.greater_equal, a, 0), apply(f.floor, b)),
      ),
    'Less GreaterOrEqual Cast Floor Where',
  ],
  [
    'pointwise',
    'a condition that is a number',
    (g) =>
      pointwise(g, [...pair(g, MAP, [])], (a = 0, b = 0) =>
        apply(f.select, apply(f.floor, a), apply(f.equal, a, a), b),
      ),
    'Floor Cast Equal Cast Where',
  ],
  [
    'pointwise',
    'of one input, repeated along another',
    (g) => {
      const [x0, x1] = pair(g, [3, 1, 1], MAP);
      return g.add(pointwiseOp, { expression: apply(f.abs, operand('x0')) }, { x0, x1 });
    },
    'Abs Shape Expand Shape Expand Identity',
  ],
  [
    'pointwise',
    'stored as f16',
    (g) => {
      const attributes = { expression: operand('x'), dtype: 'f16' } as const;
      return g.add(pointwiseOp, attributes, { x: map(g) });
    },
    'Identity',
  ],
  ...UNARY.map(
    (fn) =>
      [
        'pointwise',
        fn.name,
        (g: GraphBuilder) => pointwise(g, [map(g)], (x = 0) => apply(fn, apply(f.exp, x))),
      ] as const,
  ),
  [
    'pointwise',
    'a slope of each channel',
    (g) => prelu(g, ...pair(g, MAP, [3, 1, 1])),
    'Less Mul Where',
  ],
  ['matmul', 'of stacks', (g) => matmul(g, ...pair(g, [2, 3, 4], [2, 4, 5]))],
  ['matmul', 'scaled', (g) => matmul(g, ...pair(g, [2, 3, 4], [4, 5]), { scale: 0.5 })],
  [
    'matmul',
    'of matrices, transposed and scaled',
    (g) =>
      matmul(g, ...pair(g, [4, 3], [5, 4]), { transposeA: true, transposeB: true, scale: 0.5 }),
  ],
  [
    'matmul',
    'of stacks, transposed',
    (g) => matmul(g, ...pair(g, [2, 4, 3], [2, 5, 4]), { transposeA: true, transposeB: true }),
    'Transpose Transpose MatMul',
  ],
  ['reduce', 'mean, axes kept', (g) => reduce(g, map(g), 'mean', { axes: [2, 3] })],
  ['reduce', 'mean of one axis', (g) => reduce(g, map(g), 'mean', { axes: [1], keepAxes: false })],
  ...(['sum', 'max', 'min', 'prod', 'sum_square', 'l1'] as const).map(
    (kind): (typeof CASES)[number] => [
      'reduce',
      kind,
      (g) => reduce(g, map(g), kind, { axes: [2], keepAxes: false }),
    ],
  ),
  ['reduce', 'the sum over no axes', (g) => reduce(g, map(g), 'sum', { axes: [] }), 'Identity'],
  [
    'reduce',
    'the squares over no axes',
    (g) => reduce(g, map(g), 'sum_square', { axes: [] }),
    'Mul',
  ],
  ['reduce', 'magnitudes over no axes', (g) => reduce(g, map(g), 'l1', { axes: [] }), 'Abs'],
  ['arg_reduce', 'largest', (g) => argMax(g, map(g))],
  ['arg_reduce', 'least', (g) => argMin(g, map(g), { axis: 2, keepAxis: true, takes: 'last' })],
  ['normalize', 'maps', (g) => instanceNorm(g, map(g)), 'InstanceNormalization'],
  ['normalize', 'rows', (g) => normalize(g, map(g), { from: 3 }), 'LayerNormalization'],
  ['normalize', 'images', (g) => normalize(g, map(g), { from: 1 }), 'LayerNormalization'],
  [
    'normalize',
    'groups',
    (g) => normalize(g, g.input('x', [2, 6, 3, 5]), { from: 1, groups: 3 }),
    'Reshape InstanceNormalization Reshape',
  ],
  [
    'normalize',
    'groups of images',
    (g) => normalize(g, g.input('x', [4, 3]), { from: 0, groups: 2 }),
  ],
  [
    'normalize',
    'channels',
    (g) => normalize(g, map(g), { from: 1, to: 2, epsilon: 1e-6 }),
    'ReduceMean Sub Mul ReduceMean Add Sqrt Div',
  ],
  [
    'normalize',
    'root mean square',
    (g) => normalize(g, map(g), { from: 3, centred: false }),
    'Mul ReduceMean Add Sqrt Div',
  ],
  ['local_response_norm', 'over five', (g) => localResponseNorm(g, map(g), { size: 5, alpha: 1 })],
  ['grid_sample', 'bilinear', (g) => gridSample(g, ...pair(g, MAP, [2, 4, 5, 2]))],
  [
    'grid_sample',
    'nearest, of the border',
    (g) => gridSample(g, ...pair(g, MAP, [2, 4, 5, 2]), { filter: 'nearest', padding: 'border' }),
  ],
  [
    'grid_sample',
    'bicubic, mirrored',
    (g) =>
      gridSample(g, ...pair(g, MAP, [2, 4, 5, 2]), {
        ...{ filter: 'cubic', padding: 'reflection', alignCorners: true },
      }),
  ],
  ['grid_sample', 'of volumes', (g) => gridSample(g, ...pair(g, [1, 2, 3, 4, 5], [1, 2, 3, 4, 3]))],
  ...(['avg', 'max'] as const).map(
    (mode) =>
      [
        'roi_align',
        mode,
        (g: GraphBuilder) => {
          const indices = g.weight('bias', [4]);
          const options = { mode, size: [2, 3], samples: 2, scale: 2 } as const;
          return roiAlign(g, ...pair(g, MAP, [4, 4]), indices, options);
        },
        'Cast RoiAlign',
      ] as const,
  ),
  [
    'roi_align',
    'one sample a pixel',
    (g) => {
      const [x, rois] = pair(g, MAP, [4, 4]);
      return roiAlign(g, x, rois, g.weight('bias', [4]), {
        size: 2,
        halfPixel: false,
        scale: 3,
      });
    },
  ],
  ['pad2d', 'constant', (g) => pad2d(g, map(g), SIDES, { value: 0.5 })],
  ['pad2d', 'reflected', (g) => pad2d(g, map(g), SIDES, { mode: 'reflect' })],
  ['pad2d', 'wrapped round', (g) => pad2d(g, map(g), SIDES, { mode: 'wrap' })],
  ['pad2d', 'of the edge', (g) => pad2d(g, map(g), SIDES, { mode: 'edge' })],
  ['pad2d', 'negative', (g) => pad2d(g, map(g), { top: -1, left: 1, bottom: 0, right: -2 })],
  [
    'deform_conv2d',
    'in groups, strided and padded, with a mask',
    (g) => {
      const [offset, mask] = [g.input('offset', [2, 36, 3, 4]), g.input('mask', [2, 18, 3, 4])];
      const window = { kernel: 3, stride: [2, 1], padding: SIDES, dilation: [1, 2] } as const;
      const x = g.input('x', [2, 4, 6, 5]);
      return deformConv2d(g, x, offset, { ...window, channels: 6, groups: 2, mask });
    },
    'DeformConv',
  ],
  [
    'deform_conv2d',
    'without bias, with a mask',
    (g) => {
      const mask = g.input('mask', [2, 4, 5, 4]);
      const offset = g.input('offset', [2, 8, 5, 4]);
      return deformConv2d(g, map(g), offset, { channels: 2, kernel: 2, bias: false, mask });
    },
    'DeformConv',
  ],
  [
    'deform_conv2d',
    'of one tap, without a mask',
    (g) => deformConv2d(g, map(g), g.input('offset', [2, 6, 6, 5]), { channels: 2, kernel: 1 }),
    'DeformConv',
  ],
  [
    'col2im',
    'of windows that overlap',
    (g) =>
      col2im(g, g.input('x', [2, 18, 12]), [
        { size: 7, kernel: 3, stride: 2, padding: [1, 1] },
        { size: 5, kernel: 2, dilation: 2, padding: [0, 0] },
      ]),
    'Col2Im',
  ],
  ['cum_sum', 'along the height', (g) => cumSum(g, map(g), 2), 'CumSum'],
  [
    'cum_sum',
    'from the end, of what is after each',
    (g) => cumSum(g, map(g), 3, { exclusive: true, reverse: true }),
    'CumSum',
  ],
  [
    'max_pool2d_indices',
    'row by row, in ceil mode',
    (g) => maxPool2dIndices(g, map(g), { kernel: 3, stride: 2, padding: 1, ceilMode: true }),
    'MaxPool Cast',
  ],
  [
    'max_pool2d_indices',
    'column by column, dilated',
    (g) => maxPool2dIndices(g, map(g), { kernel: 2, dilation: 2, order: 'columns' }),
    'MaxPool Cast',
  ],
  [
    'max_unpool',
    'of what was pooled',
    (g) => {
      const x = map(g);
      const window = { kernel: 2 };
      const indices = maxPool2dIndices(g.at('indices'), x, window);
      return maxUnpool(g, maxPool2d(g.at('pool'), x, window), indices, [6, 5]);
    },
    'MaxPool Cast MaxPool Shape Slice Concat Cast MaxUnpool',
  ],
  [
    'gather',
    'of rows',
    (g) => {
      const x = g.input('x', [5, 4]);
      return gather(g, x, argMax(g.at('where'), x, { axis: 1 }));
    },
    'ArgMax Cast Cast Gather',
  ],
  [
    'scatter',
    'of rows',
    (g) => {
      const x = g.input('x', [5, 4]);
      return scatter(g, x, argMax(g.at('where'), x, { axis: 0 }), g.input('z', [4, 4]));
    },
    'ArgMax Cast Cast Reshape Reshape Reshape ScatterND Reshape',
  ],
  ['top_k', 'of rows', (g) => topElements(g, g.input('x', [3, 7]), 2)],
  ['top_k', 'the least', (g) => topElements(g, g.input('x', [3, 7]), 2, 'least')],
  ['rearrange', 'nothing', (g) => rearrange(g, map(g), []), 'Identity'],
  ['rearrange', 'flatten', (g) => flatten(g, map(g)), 'Flatten'],
  ['rearrange', 'flatten rows', (g) => flatten(g, map(g), 2), 'Reshape'],
  ['rearrange', 'reshape', (g) => reshapeTo(g, map(g), [2, -1, 5]), 'Reshape'],
  ['rearrange', 'reshape across the batch', (g) => reshapeTo(g, map(g), [6, 30]), 'Reshape'],
  ...moved(new Transpose({ order: [2, 0, 3, 1] }), 'Transpose'),
  ...moved(new Slice({ axis: 2, from: 1, to: -1, step: 2 }), 'Slice'),
  ...moved(new Slice({ axis: 3, from: -1, step: -2 }), 'Slice'),
  ...moved(new Pad({ before: [0, 1, -1, 0], after: [1, 0, 2, 0], value: 0.5 }), 'Pad'),
  ...moved(new Expand({ shape: [4, 1, 3, 1, 1] }), 'Expand'),
  ...moved(new Tile({ repeats: [1, 2, 1, 3] }), 'Tile'),
  ...moved(new ShuffleChannels({ groups: 3 }), 'Reshape Transpose Reshape'),
  ...moved(new Unsqueeze({ axes: [0, 3] }), 'Unsqueeze'),
  [
    'rearrange',
    'space to depth and back, and squeezed',
    (g) =>
      rearrange(g, g.input('x', [1, 3, 6, 4]), [
        new SpaceToDepth({ block: 2 }),
        new DepthToSpace({ block: 2, order: 'CRD' }),
        new DepthToSpace({ block: 1, order: 'DCR' }),
        new Squeeze({ axes: [0] }),
      ]),
    'SpaceToDepth DepthToSpace DepthToSpace Squeeze',
  ],
];

function resizedAxis(
  what: string,
  axis: Omit<ResizedAxis, 'axis'>,
  options: ResizeOptions,
): readonly (typeof CASES)[number][] {
  const build: Build = (g) => resize(g, map(g), [{ axis: 2, ...axis }], options);
  return [['resize_axis', what, build, 'Resize']];
}

function moved(step: Movement, written: string): readonly (typeof CASES)[number][] {
  const build: Build = (g) => rearrange(g, map(g), [step]);
  return [['rearrange', describeMovement([step]), build, written]];
}

function built(build: Build): Graph {
  const g = GraphBuilder.create();
  g.output('y', build(g.at('layer')));
  return g.build('one');
}

async function checkByOnnxRuntime(graph: Graph): Promise<void> {
  const onnxruntime = findOnnxRuntime();
  if (!onnxruntime) return;
  const inputs = inputsOf(graph);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, desc }) => [
      name,
      { data: inputs[name] ?? new Float32Array(), shape: desc.shape },
    ]),
  );
  const { y } = await runOnnxRuntime(onnxruntime, exportOnnx(graph, weights), feeds);
  expect(y?.dims).toEqual(graph.outputs.get('y')?.desc.shape);
  expectReference(graph, inputs, { y: y?.data ?? new Float32Array() });
}

function checkReadBack(graph: Graph): void {
  const read = loadOnnx(exportOnnx(graph, weights));
  const inputs = inputsOf(graph);
  const outputOf = (of: Graph, from = weights) => {
    const output = of.outputs.get('y');
    const data = output && runReference(of, from, inputs).get(output);
    return { shape: output?.desc.shape ?? [], data: data ?? new Float64Array() };
  };
  const [expected, actual] = [outputOf(graph), outputOf(read.graph, read.weights)];
  expect(actual.shape).toEqual(expected.shape);
  const tolerance = 1e-6 * largest(expected.data);
  expectClose(Float32Array.from(actual.data), expected.data, tolerance, actual.shape, 'y');
}

function nodesOf(graph: Graph): string {
  const { graph: written } = fromBinary(ModelProtoSchema, exportOnnx(graph, weights));
  return (written?.node ?? []).map(({ opType }) => opType).join(' ');
}

describe('exportOnnx', () => {
  it('has cases of every operator', () => {
    const all = operators.map(({ name }) => name);
    expect([...new Set(CASES.map(([op]) => op))].sort()).toEqual(all.toSorted());
  });

  const cases = CASES.map(([op, what, build, written]) => ({ op, what, build, written }));
  it.each(cases)('writes $op: $what', async ({ op, build, written }) => {
    const graph = built(build);
    expect(graph.nodes.at(-1)?.op.name).toBe(op);
    if (written) expect(nodesOf(graph)).toBe(written);
    checkReadBack(graph);
    await checkByOnnxRuntime(graph);
  });

  it('writes what was fused into a layer after it', async () => {
    const graph = optimized(
      built((g) => {
        const x = map(g);
        const y = conv2d(g.at('conv'), x, { channels: 3, kernel: 1 });
        return hardSwish(g.at('act'), add(g.at('sum'), y, x));
      }),
    );
    expect(graph.nodes).toHaveLength(1);
    expect(nodesOf(graph)).toBe('Conv Add HardSwish');
    checkReadBack(graph);
    await checkByOnnxRuntime(graph);
  });

  it.each(seeds(40))('writes random movements and reads them back: seed %i', async (seed) => {
    const { shape, steps } = randomMovement(new Random(seed));
    const graph = built((g) => rearrange(g, g.input('x', shape), steps));
    checkReadBack(graph);
    await checkByOnnxRuntime(graph);
  });
});
