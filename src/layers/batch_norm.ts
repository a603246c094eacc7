/** Batch normalisation at inference. */
import {
  BATCH_NORM_THREADS,
  type BatchNormGeometry,
  batchNorm as shader,
} from '../../shaders/batch_norm.wgsl.ts';
import type { Activation, Node, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  type BatchNormAttributes,
  inputShape,
  type OpDef,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, formatShape, tensorDesc } from '../runtime/tensor.ts';
import { elementTypesOf } from './element_types.ts';
import { pointwiseKernel } from './pointwise.ts';

/** What torchvision's models use. */
const DEFAULT_EPSILON = 1e-5;

const WEIGHTS = ['weight', 'bias', 'running_mean', 'running_var'] as const;

/**
 * Adds a batch normalisation over axis 1 of `x` [N, C, ...]. Its weights are `weight`, `bias`,
 * `running_mean` and `running_var`, each [C], at the builder's path.
 */
export function batchNorm(g: GraphBuilder, x: Value, epsilon = DEFAULT_EPSILON): Activation {
  const [, channels = 1] = x.desc.shape;
  const weights = Object.fromEntries(WEIGHTS.map((name) => [name, g.weight(name, [channels])]));
  return g.add(batchNormOp, { epsilon }, { x, ...weights });
}

function reference(
  node: Node<BatchNormAttributes>,
  inputs: Readonly<Record<string, Float64Array>>,
): Float64Array {
  const [, channels = 1, ...inner] = inputShape(node, 'x');
  const plane = elementCount(inner);
  const [gamma, beta, mean, variance] = WEIGHTS.map((name) => requireData(node, inputs, name));
  const floor = node.attributes.activation === 'relu' ? 0 : Number.NEGATIVE_INFINITY;
  return requireData(node, inputs, 'x').map((x, i) => {
    const c = Math.floor(i / plane) % channels;
    const scale = (gamma?.[c] ?? 0) / Math.sqrt((variance?.[c] ?? 0) + node.attributes.epsilon);
    return Math.max((x - (mean?.[c] ?? 0)) * scale + (beta?.[c] ?? 0), floor);
  });
}

export const batchNormOp: OpDef<BatchNormAttributes> = {
  name: 'batch_norm',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const [, channels] = shape;
    if (channels === undefined) {
      throw shapeError(call, `expects an input [N, C, ...], got ${formatShape(shape)}`);
    }
    for (const name of WEIGHTS) {
      const got = inputShape(call, name);
      if (got.length !== 1 || got[0] !== channels) {
        throw shapeError(call, `expects ${name} [${channels}], got ${formatShape(got)}`);
      }
    }
    return tensorDesc(shape);
  },
  reference,
  multiplyAdds: () => 0,
  writesAnyShape: true,
  fuses: ['relu'],
  kernels: [
    pointwiseKernel('batch_norm', (node: Node<BatchNormAttributes>) => {
      const [, channels = 1, ...inner] = inputShape(node, 'x');
      const count = elementCount(node.output.desc.shape);
      const geometry: BatchNormGeometry = {
        channels,
        plane: elementCount(inner),
        count,
        epsilon: node.attributes.epsilon,
        activation: node.attributes.activation ?? 'none',
        types: elementTypesOf(node, 'x'),
      };
      return {
        source: (grid, overwritten) => shader(geometry, grid, overwritten !== undefined),
        tiles: Math.ceil(count / BATCH_NORM_THREADS),
        reads: ['x', ...WEIGHTS],
        overwrites: ['x'],
      };
    }),
  ],
};
