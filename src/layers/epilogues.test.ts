/** What every kernel that can go on with its result makes of it: all epilogues on all operators. */
import { describe, expect, it } from 'vitest';
import { apply } from '../../shaders/lib/expression.ts';
import * as f from '../../shaders/lib/expression_functions.ts';
import { parameter } from '../../shaders/lib/expression_parameters.ts';
import { graphOf } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import {
  batchNorm as batchNormBound,
  bilinear,
  combined,
  deformConv2d as deformConv2dBound,
  dotProduct,
  exact,
  gridSample as gridSampleBound,
  localResponseNorm as localResponseNormBound,
  mean,
  normalize as normalizeBound,
  productsOfTaps,
  resizeAxis,
  roiAlign as roiAlignBound,
  runningSum,
  softmaxAlong,
  winograd,
} from '../../test/fixtures/rounding_bounds.ts';
import { smallTiles, smallWinograd } from '../../test/fixtures/small_tiles.ts';
import { MOST_BUFFERS } from '../runtime/bounds.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Shape } from '../runtime/tensor.ts';
import { clip, hardSwish, relu, sigmoid, silu } from './activations.ts';
import { adaptiveAveragePool2d, globalAveragePool2d } from './adaptive_average_pool2d.ts';
import { argMax } from './arg_reduce.ts';
import { add, mul, sub } from './arithmetic.ts';
import { batchNorm } from './batch_norm.ts';
import { col2im } from './col2im.ts';
import { convTranspose2d } from './conv_transpose2d.ts';
import { type Conv2dOptions, conv2d } from './conv2d.ts';
import { conv2dDynamic } from './conv2d_dynamic.ts';
import { cumSum } from './cum_sum.ts';
import { deformConv2d } from './deform_conv2d.ts';
import { gather } from './gather.ts';
import { gridSample } from './grid_sample.ts';
import { operators } from './index.ts';
import { linear } from './linear.ts';
import { localResponseNorm } from './local_response_norm.ts';
import { matmul } from './matmul.ts';
import { maxPool2dIndices } from './max_pool2d_indices.ts';
import { maxUnpool } from './max_unpool.ts';
import { normalize } from './normalize.ts';
import { pad2d } from './pad2d.ts';
import { pointwise } from './pointwise.ts';
import { averagePool2d, maxPool2d } from './pool2d.ts';
import { reduce } from './reduce.ts';
import { resize } from './resize.ts';
import { resize2d } from './resize2d.ts';
import { roiAlign } from './roi_align.ts';
import { scatter } from './scatter.ts';
import { softmax } from './softmax.ts';

const device = useDevice();

// llvmpipe takes half as long to compile for half as wide vectors.
process.env.LP_NATIVE_VECTOR_WIDTH = '128';

interface Layer extends Pick<KernelCase, 'op' | 'build' | 'bound' | 'choose' | 'variants'> {
  /** By name; all by default. */
  readonly epilogues?: readonly string[];
}

/** What follows a value of a shape [N, C, ...]. */
const EPILOGUES: Readonly<Record<string, (g: GraphBuilder, y: Value) => Value>> = {
  relu,
  clip: (g, y) => clip(g, y, { least: -0.25, most: 0.5 }),
  'hard-swish': hardSwish,
  silu,
  'the addition of a map': (g, y) => add(g, g.input('map', y.desc.shape), y),
  'factors of channels': (g, y) => mul(g, y, g.input('factors', ofChannels(y.desc.shape))),
  'weights of channels': (g, y) => mul(g, y, g.weight('weight', ofChannels(y.desc.shape).slice(1))),
  'factors of images and channels': (g, y) =>
    mul(g, y, g.input('factors', withoutPlane(y.desc.shape))),
  'one factor': (g, y) => mul(g, g.input('factor', [1]), y),
  'an addition and relu': (g, y) => relu(g, add(g, y, g.input('map', y.desc.shape))),
  'the addition of factors, clipped': (g, y) =>
    clip(g, add(g, y, g.input('factors', withoutPlane(y.desc.shape))), { most: 1 }),
  // ((y * gate - map) * sigmoid(y) + one) * 0.75 - 1.25, of which the last two are bound where sizes are
  'three operands, parameters and the result twice': (g, y) => {
    const { shape } = y.desc;
    const gated = mul(g, y, g.input('gate', withoutPlane(shape)));
    const difference = sub(g, gated, g.input('map', shape));
    const sum = add(g, mul(g, difference, sigmoid(g, y)), g.input('one', []));
    return pointwise(g, [sum], (value = 0) =>
      apply(f.sub, apply(f.mul, value, parameter(0.75)), parameter(1.25)),
    );
  },
};

/** A sum with as many maps as are fused into the layer. */
function addMaps(g: GraphBuilder, { build, op }: Layer): Value {
  const layer = graphOf(build).nodes.find((node) => node.op.name === op);
  const { maxStorageBuffersPerShaderStage } = device().profile.limits;
  const most = Math.min(maxStorageBuffersPerShaderStage, MOST_BUFFERS);
  const inputs = Object.keys(layer?.inputs ?? {}).length;
  const y = build(g);
  const maps = Array.from({ length: most - inputs - 2 }, (_, i) =>
    g.input(`map${i}`, y.desc.shape),
  );
  return maps.reduce((sum, map) => add(g, sum, map), y);
}

function withoutPlane(shape: Shape): Shape {
  return shape.map((extent, axis) => (axis < 2 ? extent : 1));
}

function ofChannels(shape: Shape): Shape {
  return withoutPlane(shape).with(0, 1);
}

/** Along the plane and not, in the text that many share and in one of its own: for what compiles slowly. */
const ONE_OF_A_KIND = [
  'an addition and relu',
  'the addition of factors, clipped',
  'weights of channels',
  'three operands, parameters and the result twice',
];

function convolution(x: Shape, options: Conv2dOptions): Layer {
  return {
    op: 'conv2d',
    build: (g) => conv2d(g.at('conv'), g.input('x', x), options),
    bound: dotProduct,
    choose: smallTiles,
    epilogues: ONE_OF_A_KIND,
  };
}

function byWinograd(tile: 2 | 4): Layer {
  const layer = convolution([2, 33, 5, 7], { channels: 6, kernel: 3 });
  return { ...layer, bound: winograd(tile), choose: smallWinograd(tile), variants: ['views'] };
}

/** Several images, and planes that are no whole fours where the name does not say otherwise. */
const LAYERS: Readonly<Record<string, Layer>> = {
  'conv2d, in parts, too': convolution([2, 128, 3, 5], { channels: 6, kernel: 3, padding: 1 }),
  'conv2d 1x1': {
    ...convolution([3, 34, 5, 3], { channels: 9, kernel: 1, bias: false }),
    epilogues: Object.keys(EPILOGUES),
  },
  'conv2d 1x1, whole fours': convolution([2, 34, 2, 6], { channels: 12, kernel: 1 }),
  'conv2d, whole fours of one image': convolution([1, 34, 4, 6], { channels: 12, kernel: 1 }),
  'conv2d in groups, stride 2': convolution([2, 66, 7, 9], {
    channels: 10,
    kernel: 3,
    stride: 2,
    groups: 2,
  }),
  'conv2d depthwise': convolution([2, 6, 5, 7], { channels: 6, kernel: 3, padding: 1, groups: 6 }),
  'conv2d by Winograd, tiles of 2': byWinograd(2),
  'conv2d by Winograd, tiles of 4': byWinograd(4),
  'linear of 3 images': {
    op: 'linear',
    build: (g) => linear(g.at('fc'), g.input('x', [3, 37]), { features: 10 }),
    bound: dotProduct,
  },
  'linear of 11 images': {
    op: 'linear',
    build: (g) => linear(g.at('fc'), g.input('x', [11, 18]), { features: 7, bias: false }),
    bound: dotProduct,
  },
  matmul: {
    op: 'matmul',
    build: (g) => matmul(g, g.input('a', [2, 3, 9]), g.input('b', [9, 5])),
    bound: dotProduct,
  },
  max_pool2d: {
    op: 'max_pool2d',
    build: (g) => maxPool2d(g, g.input('x', [2, 3, 9, 7]), { kernel: 3, stride: 2, padding: 1 }),
    bound: exact,
  },
  average_pool2d: {
    op: 'average_pool2d',
    build: (g) => averagePool2d(g, g.input('x', [2, 3, 7, 9]), { kernel: 2, stride: 1 }),
    bound: mean(4),
  },
  'adaptive_average_pool2d to one pixel': {
    op: 'adaptive_average_pool2d',
    build: (g) => globalAveragePool2d(g, g.input('x', [2, 5, 7, 3])),
    bound: mean(21),
  },
  'adaptive_average_pool2d to several': {
    op: 'adaptive_average_pool2d',
    build: (g) => adaptiveAveragePool2d(g, g.input('x', [2, 3, 7, 5]), [3, 5]),
    bound: mean(3),
  },
  'reduce to one pixel': {
    op: 'reduce',
    build: (g) => reduce(g, g.input('x', [2, 3, 5, 7]), 'mean', { axes: [2, 3] }),
    bound: mean(35),
  },
  'reduce over channels': {
    op: 'reduce',
    build: (g) => reduce(g, g.input('x', [2, 5, 3, 7]), 'max', { axes: [1], keepAxes: false }),
    bound: exact,
  },
  conv_transpose2d: {
    op: 'conv_transpose2d',
    build: (g) =>
      convTranspose2d(g.at('up'), g.input('x', [2, 6, 3, 4]), {
        channels: 5,
        kernel: 2,
        stride: 2,
      }),
    bound: productsOfTaps,
  },
  conv2d_dynamic: {
    op: 'conv2d_dynamic',
    build: (g) =>
      conv2dDynamic(g.at('conv'), g.input('x', [2, 5, 7, 5]), g.input('w', [4, 5, 3, 3]), {}),
    bound: dotProduct,
    // Weights are dense.
    variants: ['f16'],
  },
  arg_reduce: {
    op: 'arg_reduce',
    build: (g) => argMax(g, g.input('x', [2, 5, 3, 7])),
    bound: exact,
  },
  'normalize over channels': {
    op: 'normalize',
    build: (g) => normalize(g, g.input('x', [2, 5, 3, 7]), { from: 1, to: 2 }),
    bound: normalizeBound,
  },
  'normalize over groups': {
    op: 'normalize',
    build: (g) => normalize(g, g.input('x', [2, 6, 3, 5]), { from: 1, groups: 2 }),
    bound: normalizeBound,
  },
  batch_norm: {
    op: 'batch_norm',
    build: (g) => batchNorm(g.at('norm'), g.input('x', [2, 5, 3, 7])),
    bound: batchNormBound,
  },
  local_response_norm: {
    op: 'local_response_norm',
    build: (g) => localResponseNorm(g, g.input('x', [2, 5, 3, 7]), { size: 3, alpha: 0.5 }),
    bound: localResponseNormBound,
  },
  softmax: {
    op: 'softmax',
    build: (g) => softmax(g, g.input('x', [2, 5, 3, 7])),
    bound: softmaxAlong(1),
  },
  resize2d: {
    op: 'resize2d',
    build: (g) => resize2d(g, g.input('x', [2, 3, 5, 4]), { size: [7, 9] }),
    bound: bilinear,
  },
  resize_axis: {
    op: 'resize_axis',
    build: (g) =>
      resize(g, g.input('x', [2, 3, 5, 3]), [{ axis: 2, size: 7 }], { filter: 'cubic' }),
    bound: resizeAxis,
    epilogues: ONE_OF_A_KIND,
  },
  grid_sample: {
    op: 'grid_sample',
    build: (g) => gridSample(g, g.input('x', [2, 3, 5, 4]), g.input('grid', [2, 3, 3, 2])),
    bound: gridSampleBound,
    epilogues: ONE_OF_A_KIND,
  },
  roi_align: {
    op: 'roi_align',
    build(g) {
      const [x, rois] = [g.input('x', [2, 3, 5, 4]), g.input('rois', [4, 4])];
      return roiAlign(g, x, rois, g.input('indices', [4]), { size: [2, 3], scale: 2 });
    },
    bound: roiAlignBound,
    epilogues: ONE_OF_A_KIND,
  },
  max_pool2d_indices: {
    op: 'max_pool2d_indices',
    build: (g) => maxPool2dIndices(g, g.input('x', [2, 3, 7, 5]), { kernel: 3, stride: 2 }),
    bound: exact,
    epilogues: ONE_OF_A_KIND,
  },
  max_unpool: {
    op: 'max_unpool',
    build(g) {
      const shape = [2, 3, 3, 2];
      return maxUnpool(g, g.input('x', shape), g.input('indices', shape), [5, 3]);
    },
    bound: exact,
    epilogues: ONE_OF_A_KIND,
  },
  gather: {
    op: 'gather',
    build: (g) => gather(g, g.input('x', [4, 5, 3]), g.input('indices', [2, 3])),
    bound: exact,
    epilogues: ONE_OF_A_KIND,
  },
  scatter: {
    op: 'scatter',
    build(g) {
      const [x, indices] = [g.input('x', [2, 3, 5, 3]), g.input('indices', [4])];
      return scatter(g, x, indices, g.input('updates', [4, 5, 3]));
    },
    bound: exact,
    epilogues: ONE_OF_A_KIND,
  },
  cum_sum: {
    op: 'cum_sum',
    build: (g) => cumSum(g, g.input('x', [2, 3, 5, 7]), 2),
    bound: runningSum,
    epilogues: ONE_OF_A_KIND,
  },
  col2im: {
    op: 'col2im',
    build: (g) =>
      col2im(g, g.input('x', [2, 12, 6]), [
        { size: 4, kernel: 2 },
        { size: 5, kernel: 2, stride: 3 },
      ]),
    bound: combined(4),
    epilogues: ONE_OF_A_KIND,
  },
  deform_conv2d: {
    op: 'deform_conv2d',
    build: (g) =>
      deformConv2d(g.at('deform'), g.input('x', [2, 3, 5, 4]), g.input('offset', [2, 8, 4, 3]), {
        channels: 5,
        kernel: 2,
      }),
    bound: deformConv2dBound,
    epilogues: ONE_OF_A_KIND,
  },
  pad2d: {
    op: 'pad2d',
    build: (g) => pad2d(g, g.input('x', [2, 3, 5, 4]), { top: 1, left: 2, bottom: 1, right: -1 }),
    bound: exact,
  },
};

describe.each(Object.entries(LAYERS))('%s', (_, { epilogues, ...layer }) => {
  const isTried = ([name]: readonly [string, unknown]): boolean =>
    epilogues?.includes(name) ?? true;

  it.each(Object.entries(EPILOGUES).filter(isTried))('computes with %s', async (name, epilogue) => {
    await checkKernels(device(), {
      ...layer,
      build: (g) => epilogue(g, layer.build(g)),
      // Of what compiles slowly, one on views and in f16.
      ...(epilogues && name !== ONE_OF_A_KIND.at(-1) && { variants: [] }),
    });
  });

  it('computes with as many maps as are fused', async () => {
    await checkKernels(device(), { ...layer, build: (g) => addMaps(g, layer), variants: [] });
  });

  it('computes an epilogue where a dispatch has several rows of workgroups', async () => {
    await checkKernels(device(), {
      ...layer,
      build: (g) => silu(g, layer.build(g)),
      variants: [],
      workgroupsPerDimension: 2,
    });
  });
});

it('every operator that fuses an epilogue is among them', () => {
  const fusing = operators.filter(({ fusesEpilogue }) => fusesEpilogue).map(({ name }) => name);
  const checked = new Set(Object.values(LAYERS).map(({ op }) => op));
  expect([...checked].toSorted()).toEqual(fusing.toSorted());
});
