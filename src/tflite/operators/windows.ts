/** Convolutions and pools, and what else looks at the neighbours of an element. */
import type { Attributes } from '../../onnx/attribute.ts';
import type { Call, Row } from '../call.ts';
import { demand, demandSound } from '../errors.ts';

/** Fields of options, by their indices in TFLite's schema. */
const CONV = { padding: 0, strideW: 1, strideH: 2, activation: 3, dilationW: 4, dilationH: 5 };
const DEPTHWISE = { ...CONV, activation: 4, dilationW: 5, dilationH: 6 };
const CONV_3D = { strideD: 1, strideW: 2, strideH: 3, activation: 4, dilationD: 5 };
const POOL = { padding: 0, strideW: 1, strideH: 2, width: 3, height: 4, activation: 5 };
const DECONV = { strideW: 1, strideH: 2, activation: 3 };
const RESPONSE = { radius: 0, bias: 1, alpha: 2, beta: 3 };

const VALID = 1;

export const windowRows: Readonly<Record<string, Row>> = {
  CONV_2D: {
    translate: (call) => convolution(call, CONV, [0, 3, 1, 2]),
    activation: CONV.activation,
  },
  DEPTHWISE_CONV_2D: {
    // [1, kernel, kernel, channels] of weights.
    translate: (call) => convolution(call, DEPTHWISE, [3, 0, 1, 2]),
    activation: DEPTHWISE.activation,
  },
  CONV_3D: { translate: convolution3d, activation: CONV_3D.activation },
  TRANSPOSE_CONV: {
    translate: (call) => {
      const strides = [call.integer(DECONV.strideH), call.integer(DECONV.strideW)];
      return transposedConvolution(call, strides, { x: 2, weight: 1, bias: 3 });
    },
    activation: DECONV.activation,
  },
  Convolution2DTransposeBias: { translate: mediaPipeConvolution },
  MAX_POOL_2D: {
    translate: (call) => pool(call, 'MaxPool'),
    activation: POOL.activation,
    moves: true,
  },
  AVERAGE_POOL_2D: {
    translate: (call) => pool(call, 'AveragePool'),
    activation: POOL.activation,
  },
  L2_POOL_2D: {
    translate: (call) => {
      const x = call.input(0);
      return call.node('Sqrt', [pool(call, 'AveragePool', call.node('Mul', [x, x]))]);
    },
    activation: POOL.activation,
  },
  LOCAL_RESPONSE_NORMALIZATION: { translate: localResponse },
};

function paddingOf(call: Call): string {
  return call.choice(CONV.padding) === VALID ? 'VALID' : 'SAME_UPPER';
}

/** `order` makes [channels out, channels in, kernel, kernel] of the weights' axes. */
function convolution(
  call: Call,
  fields: typeof CONV,
  order: readonly [number, number, number, number],
): string {
  const weight = call.tensor(1).shape;
  const channels = call.tensor(0).shape[3] ?? 0;
  const [, inGroup = 1] = order.map((axis) => weight[axis] ?? 1);
  demandSound(inGroup > 0, 'is damaged: its weights have no channels');
  const attributes: Attributes = {
    auto_pad: { string: paddingOf(call) },
    strides: { ints: [call.integer(fields.strideH), call.integer(fields.strideW)] },
    dilations: { ints: [call.integer(fields.dilationH, 1), call.integer(fields.dilationW, 1)] },
    group: { int: Math.max(Math.floor(channels / inGroup), 1) },
  };
  const rest = [call.ordered(1, order), ...(call.has(2) ? [call.bias(2)] : [])];
  return call.channelsFirst(call.input(0), (x) => call.node('Conv', [x, ...rest], attributes));
}

function convolution3d(call: Call): string {
  const { strideD, strideH, strideW, dilationD } = CONV_3D;
  const strides = [strideD, strideH, strideW].map((field) => call.integer(field));
  const dilations = [0, 2, 1].map((i) => call.integer(dilationD + i, 1));
  const attributes: Attributes = {
    auto_pad: { string: paddingOf(call) },
    strides: { ints: strides },
    dilations: { ints: dilations },
  };
  const rest = [call.ordered(1, [4, 3, 0, 1, 2]), ...(call.has(2) ? [call.bias(2)] : [])];
  return call.channelsFirst(call.input(0), (x) => call.node('Conv', [x, ...rest], attributes));
}

/**
 * A transposed convolution. Of an output that is smaller than what the kernels reach, the edges are cut, the last more
 * where they differ; what lies beyond their reach is the bias alone. Where the file leaves sizes open, the output's is
 * computed.
 */
function transposedConvolution(
  call: Call,
  strides: readonly number[],
  { x, weight, bias }: { readonly x: number; readonly weight: number; readonly bias: number },
): string {
  const kernel = call.tensor(weight).shape.slice(1, 3);
  const from = call.tensor(x).signature.slice(1, 3);
  const to = call.output().signature.slice(1, 3);
  const isOpen = [...from, ...to].some((extent) => extent < 0);
  const cut = to.map((extent, i) => {
    const stride = strides[i] ?? 1;
    const size = kernel[i] ?? 0;
    // As far beyond as can be asked for.
    return isOpen ? 1 - stride : ((from[i] ?? 0) - 1) * stride + size - extent;
  });
  const before = cut.map((pixels) => Math.max(Math.floor(pixels / 2), 0));
  const after = cut.map((pixels, i) => Math.max(pixels - (before[i] ?? 0), 0));
  const attributes: Attributes = {
    strides: { ints: strides },
    pads: { ints: [...before, ...after] },
    output_padding: { ints: cut.map((pixels) => Math.max(-pixels, 0)) },
  };
  const rest = [call.ordered(weight, [3, 0, 1, 2]), ...(call.has(bias) ? [call.bias(bias)] : [])];
  const all = call.channelsFirst(
    call.input(x),
    (first) => call.node('ConvTranspose', [first, ...rest], attributes),
    4,
  );
  const beyond = strides.map((stride) => stride - 1);
  return isOpen ? middleOf(call, all, beyond) : all;
}

/**
 * As much of an image as the first input says, of whose edges the last is cut more where they differ. `beyond` is what
 * of it no kernel reaches.
 */
function middleOf(call: Call, all: string, beyond: readonly number[]): string {
  const axes = call.integers([1, 2]);
  const plane = (shape: string) => call.node('Gather', [shape, axes], { axis: { int: 0 } });
  const size = plane(call.integersOf(0));
  const reach = call.node('Sub', [plane(call.node('Shape', [all])), call.integers(beyond)]);
  const cut = call.node('Max', [call.node('Sub', [reach, size]), call.integers([0])]);
  const begin = call.node('Div', [cut, call.integers([2])]);
  return call.node('Slice', [all, begin, call.node('Add', [begin, size]), axes]);
}

/** MediaPipe's own, whose options are three integers: padding, and two strides. */
function mediaPipeConvolution(call: Call): string {
  const { customOptions } = call.operator;
  demandSound(customOptions.length >= 12, 'is damaged: an operator lacks its options');
  const options = new DataView(customOptions.buffer, customOptions.byteOffset);
  const strides = [options.getInt32(8, true), options.getInt32(4, true)];
  const sizes = [call.tensor(0), call.output()].flatMap(({ signature }) => signature.slice(1));
  demand(!sizes.includes(-1), 'has an output whose size the file leaves open');
  return transposedConvolution(call, strides, { x: 0, weight: 1, bias: 2 });
}

function pool(call: Call, opType: string, input: string = call.input(0)): string {
  const attributes: Attributes = {
    auto_pad: { string: paddingOf(call) },
    kernel_shape: { ints: [call.integer(POOL.height), call.integer(POOL.width)] },
    strides: { ints: [call.integer(POOL.strideH), call.integer(POOL.strideW)] },
  };
  return call.channelsFirst(input, (x) => call.node(opType, [x], attributes));
}

function localResponse(call: Call): string {
  const size = 2 * call.integer(RESPONSE.radius) + 1;
  demand(call.rank() === 4, `reads ${call.rank()} axes; images have 4`);
  const attributes: Attributes = {
    size: { int: size },
    bias: { float: call.float(RESPONSE.bias) },
    // ONNX takes the mean of the squares, TFLite their sum.
    alpha: { float: call.float(RESPONSE.alpha) * size },
    beta: { float: call.float(RESPONSE.beta) },
  };
  return call.channelsFirst(call.input(0), (x) => call.node('LRN', [x], attributes));
}
