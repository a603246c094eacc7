/** Local response normalisation across channels, as in the first AlexNet. */
import {
  LOCAL_RESPONSE_NORM_THREADS,
  type LocalResponseNormGeometry,
  localResponseNorm as shader,
} from '../../shaders/local_response_norm.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { inputShape, type OpDef, requireData, shapeError } from '../runtime/operator.ts';
import { elementCount, formatShape, tensorDesc } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';
import { pointwiseKernel } from './pointwise.ts';

export interface LocalResponseNormAttributes {
  /** Channels that are summed over. */
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/**
 * Adds x / (bias + alpha / size * sum of squares of the `size` channels about each)^beta, of `x` [N, C, ...];
 * alpha 1e-4, beta 0.75 and bias 1 by default.
 */
export function localResponseNorm(
  g: GraphBuilder,
  x: Value,
  options: Pick<LocalResponseNormAttributes, 'size'> & Partial<LocalResponseNormAttributes>,
): Activation {
  return g.add(localResponseNormOp, { alpha: 1e-4, beta: 0.75, bias: 1, ...options }, { x });
}

function geometryOf(node: Node<LocalResponseNormAttributes>): LocalResponseNormGeometry {
  const shape = inputShape(node, 'x');
  const [, channels = 1, ...inner] = shape;
  const { attributes } = node;
  const types = elementTypesOf(node, 'x');
  return { ...attributes, count: elementCount(shape), channels, plane: elementCount(inner), types };
}

export const localResponseNormOp: OpDef<LocalResponseNormAttributes> = {
  name: 'local_response_norm',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { size, alpha, beta, bias } = call.attributes;
    if (shape.length < 2) {
      throw shapeError(call, `expects an input [N, C, ...], got ${formatShape(shape)}`);
    }
    if (!Number.isSafeInteger(size) || size < 1) {
      throw shapeError(call, `size must be an integer >= 1, got ${size}`);
    }
    if (![alpha, beta, bias].every(Number.isFinite)) {
      throw shapeError(call, `alpha, beta and bias must be finite, got ${alpha}, ${beta}, ${bias}`);
    }
    return tensorDesc(shape);
  },
  reference(node, inputs) {
    const { channels, plane, size, alpha, beta, bias } = geometryOf(node);
    const x = requireData(node, inputs, 'x');
    const before = Math.floor((size - 1) / 2);
    return x.map((value, at) => {
      const channel = Math.floor(at / plane) % channels;
      let sum = 0;
      const last = Math.min(channel - before + size, channels);
      for (let d = Math.max(channel - before, 0); d < last; d++) {
        sum += (x[at + (d - channel) * plane] ?? 0) ** 2;
      }
      return value / (bias + (alpha / size) * sum) ** beta;
    });
  },
  multiplyAdds: () => 0,
  writesAnyShape: true,
  kernels: [
    pointwiseKernel('local_response_norm', (node: Node<LocalResponseNormAttributes>) => {
      const g = geometryOf(node);
      return {
        source: (grid) => shader(g, grid),
        tiles: Math.ceil(g.count / LOCAL_RESPONSE_NORM_THREADS),
        reads: ['x'],
      };
    }),
  ],
};
