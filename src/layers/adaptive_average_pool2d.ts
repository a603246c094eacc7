/** Average pooling to a given output size; global average pooling is the size 1. */
import {
  ADAPTIVE_POOL_THREADS,
  type AdaptivePoolGeometry,
  adaptiveAveragePool2d as shader,
} from '../../shaders/adaptive_average_pool2d.wgsl.ts';
import { globalAveragePool2d as globalShader } from '../../shaders/global_average_pool2d.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  inputShape,
  type KernelDef,
  type OpDef,
  requireData,
  requireInput,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, mapStrides, nchw, tensorDesc } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';
import { featureMap } from './feature_map.ts';
import { type NoConfig, pointwiseKernel } from './pointwise.ts';
import { type Pair, type PairLike, pair } from './window.ts';

export interface AdaptiveAttributes {
  /** [height, width] */
  readonly outputSize: Pair;
}

/** Adds an average pooling of [N, C, H, W] to [N, C, ...outputSize]. */
export function adaptiveAveragePool2d(g: GraphBuilder, x: Value, outputSize: PairLike): Activation {
  return g.add(adaptiveAveragePool2dOp, { outputSize: pair(outputSize) }, { x });
}

/** Adds the mean over each feature map: [N, C, H, W] to [N, C, 1, 1]. */
export function globalAveragePool2d(g: GraphBuilder, x: Value): Activation {
  return adaptiveAveragePool2d(g, x, 1);
}

function geometryOf(node: Node<AdaptiveAttributes>): AdaptivePoolGeometry {
  const x = nchw(inputShape(node, 'x'));
  const [outputHeight, outputWidth] = node.attributes.outputSize;
  return {
    batch: x.batch,
    channels: x.channels,
    inputHeight: x.height,
    inputWidth: x.width,
    outputHeight,
    outputWidth,
    xStrides: mapStrides(requireInput(node, 'x').desc),
    types: elementTypesOf(node, 'x'),
  };
}

/** The input rows or columns [from, to) that make output position `i`. */
export function region(i: number, input: number, output: number): Pair {
  return [Math.floor((i * input) / output), Math.ceil(((i + 1) * input) / output)];
}

function reference(
  node: Node<AdaptiveAttributes>,
  inputs: Readonly<Record<string, Float64Array>>,
): Float64Array {
  const g = geometryOf(node);
  const x = requireData(node, inputs, 'x');
  const planes = g.batch * g.channels;
  const y = new Float64Array(planes * g.outputHeight * g.outputWidth);
  let at = 0;
  for (let plane = 0; plane < planes; plane++) {
    for (let p = 0; p < g.outputHeight; p++) {
      const [top, bottom] = region(p, g.inputHeight, g.outputHeight);
      for (let q = 0; q < g.outputWidth; q++) {
        const [left, right] = region(q, g.inputWidth, g.outputWidth);
        let sum = 0;
        for (let row = top; row < bottom; row++) {
          const start = (plane * g.inputHeight + row) * g.inputWidth;
          for (let column = left; column < right; column++) sum += x[start + column] ?? 0;
        }
        y[at++] = sum / ((bottom - top) * (right - left));
      }
    }
  }
  return y;
}

/** A reduction for planes whose mean is taken as a whole. */
const globalKernel: KernelDef<AdaptiveAttributes, NoConfig> = {
  ...pointwiseKernel('global_average_pool2d', (node: Node<AdaptiveAttributes>) => {
    const g = geometryOf(node);
    return {
      source: (grid) => globalShader(g, grid),
      tiles: g.batch * g.channels,
      reads: ['x'],
    };
  }),
  prefers: 'gpu',
  supports: ({ attributes }) => attributes.outputSize.every((extent) => extent === 1),
};

export const adaptiveAveragePool2dOp: OpDef<AdaptiveAttributes> = {
  name: 'adaptive_average_pool2d',
  inferShape(call) {
    const x = featureMap(call, 'x');
    const [height, width] = call.attributes.outputSize;
    if (![height, width].every((extent) => Number.isSafeInteger(extent) && extent >= 1)) {
      throw shapeError(call, `output size must be integers >= 1, got [${height}, ${width}]`);
    }
    return tensorDesc([x.batch, x.channels, height, width]);
  },
  reference,
  multiplyAdds: () => 0,
  channelMajor: { reads: ['x'], writes: false },
  writesAnyShape: true,
  kernels: [
    globalKernel,
    pointwiseKernel('adaptive_average_pool2d', (node: Node<AdaptiveAttributes>) => ({
      source: (grid) => shader(geometryOf(node), grid),
      tiles: Math.ceil(elementCount(node.output.desc.shape) / ADAPTIVE_POOL_THREADS),
      reads: ['x'],
    })),
  ],
};
