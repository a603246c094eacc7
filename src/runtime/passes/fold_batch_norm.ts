/**
 * Folds a batch norm into the layer before it, a convolution either way or a linear layer, when nothing else reads
 * that layer:
 *
 *     weight'[o, ...] = weight[o, ...] * s[o]         s[o] = gamma[o] / sqrt(variance[o] + epsilon)
 *     bias'[o]        = (bias[o] - mean[o]) * s[o] + beta[o]
 *
 * The new constants are computed at load time, in f64, and rounded once.
 */

import { MOST_FOLDED } from '../bounds.ts';
import { type BatchNormAttributes, isBatchNorm } from '../builtins.ts';
import { type Constant, type DerivedWeight, type Graph, isConstant, type Node } from '../graph.ts';
import { elementCount } from '../tensor.ts';
import { type Rewriter, rewritten } from './rewriter.ts';

export function foldBatchNorm(graph: Graph): Graph {
  return rewritten(graph, (rewriter, node) =>
    isBatchNorm(node) ? fold(rewriter, node) : undefined,
  );
}

/** Replaces the producer of a batch norm's input and the batch norm by one node. */
function fold(rewriter: Rewriter, norm: Node<BatchNormAttributes>): Node | undefined {
  const { x, weight: gamma, bias: beta, running_mean: mean, running_var: variance } = norm.inputs;
  const layer = x && rewriter.soleProducer(x);
  const axis = layer?.op.channelAxis;
  if (!layer || axis === undefined) return undefined;
  const { weight, bias } = layer.inputs;
  if (layer.epilogue || norm.epilogue || (layer.sources?.length ?? 1) > MOST_FOLDED)
    return undefined;
  const constants = [gamma, beta, mean, variance, weight].flatMap((v) =>
    v && isConstant(v) ? [v] : [],
  );
  const [g, b, m, v, w] = constants;
  if (!g || !b || !m || !v || !w || (bias && !isConstant(bias))) return undefined;

  const { epsilon } = norm.attributes;
  const { shape } = w.desc;
  const channels = shape[axis] ?? 1;
  const run = elementCount(shape.slice(axis + 1));
  const scaleOf = (gammas: Float32Array, variances: Float32Array, o: number): number =>
    (gammas[o] ?? 0) / Math.sqrt((variances[o] ?? 0) + epsilon);
  // Names tell constants apart wherever buffers are kept by name, and a weight may be folded twice.
  const derived = (
    role: string,
    { desc }: Constant,
    sources: readonly Constant[],
    compute: DerivedWeight['compute'],
  ): DerivedWeight => ({
    kind: 'derived',
    name: `${role} of ${layer.name} with ${norm.name}`,
    ...{ desc, sources, compute },
  });
  return rewriter.replace(layer, norm, {
    ...layer,
    inputs: {
      ...layer.inputs,
      weight: derived('weight', w, [w, g, v], ([w = EMPTY, g = EMPTY, v = EMPTY]) => {
        // Every channel has a run in each row; the rows of all groups follow one another.
        const group = (w.length / run / g.length) * channels;
        const folded = new Float32Array(w.length);
        for (let k = 0; k * run < w.length; k++) {
          const scale = scaleOf(g, v, Math.floor(k / group) * channels + (k % channels));
          for (let i = k * run; i < (k + 1) * run; i++) folded[i] = (w[i] ?? 0) * scale;
        }
        return folded;
      }),
      bias: derived(
        'bias',
        g,
        [g, b, m, v, ...(bias ? [bias] : [])],
        ([g = EMPTY, b = EMPTY, m = EMPTY, v = EMPTY, layerBias]) =>
          g.map((_, o) => ((layerBias?.[o] ?? 0) - (m[o] ?? 0)) * scaleOf(g, v, o) + (b[o] ?? 0)),
      ),
    },
    output: norm.output,
  });
}

const EMPTY = new Float32Array();
