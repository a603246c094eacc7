/**
 * Folds a batch norm into the layer before it, a convolution either way or a linear layer, when nothing else reads
 * that layer:
 *
 *     weight'[o, ...] = weight[o, ...] * s[o]         s[o] = gamma[o] / sqrt(variance[o] + epsilon)
 *     bias'[o]        = (bias[o] - mean[o]) * s[o] + beta[o]
 */

import { MOST_FOLDED } from '../bounds.ts';
import { type BatchNormAttributes, isBatchNorm } from '../builtins.ts';
import { type Graph, isConstant, type Node } from '../graph.ts';
import { type ChannelAffine, foldIntoLayer } from './fold_into_layer.ts';
import { type Rewriter, rewritten } from './rewriter.ts';

export function foldBatchNorm(graph: Graph): Graph {
  return rewritten(graph, (rewriter, node) =>
    isBatchNorm(node) ? fold(rewriter, node) : undefined,
  );
}

/** Replaces the producer of a batch norm's input and the batch norm by one node. */
function fold(rewriter: Rewriter, norm: Node<BatchNormAttributes>): Node | undefined {
  const { x } = norm.inputs;
  const layer = x && rewriter.soleProducer(x);
  const affine = affineOf(norm);
  if (!layer || !affine || layer.epilogue || norm.epilogue) return undefined;
  if ((layer.sources?.length ?? 1) > MOST_FOLDED) return undefined;
  const inputs = foldIntoLayer(layer, affine);
  return inputs && rewriter.replace(layer, norm, { ...layer, inputs, output: norm.output });
}

function affineOf({
  name,
  inputs,
  attributes,
}: Node<BatchNormAttributes>): ChannelAffine | undefined {
  const { weight, bias, running_mean, running_var } = inputs;
  const statistics = [weight, bias, running_mean, running_var];
  const constants = statistics.flatMap((value) => (value && isConstant(value) ? [value] : []));
  if (constants.length < statistics.length) return undefined;
  const scale = ([gamma, , , variance]: readonly Float32Array[], o: number): number =>
    (gamma?.[o] ?? 0) / Math.sqrt((variance?.[o] ?? 0) + attributes.epsilon);
  return {
    name,
    constants,
    scale,
    moved: (data, o, bias) => (bias - (data[2]?.[o] ?? 0)) * scale(data, o) + (data[1]?.[o] ?? 0),
  };
}
