/**
 * MnasNet: Tan et al., "MnasNet: platform-aware neural architecture search for mobile" (2019), the variant B1, which
 * has no squeeze-and-excitation.
 */
import { relu } from '../layers/activations.ts';
import { linear } from '../layers/linear.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { channelMeans } from './channel_means.ts';
import { type ConvNormNames, convNorm, numbered } from './conv_norm.ts';
import { divisible } from './divisible.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import { invertedResidual } from './inverted_residual.ts';
import type { ModelDef } from './model.ts';

/** Expansion t, kernel k, channels c, blocks n, stride s of the first of them. (Figure 7.) */
const BLOCKS = [
  { t: 3, k: 3, c: 24, n: 3, s: 2 },
  { t: 3, k: 5, c: 40, n: 3, s: 2 },
  { t: 6, k: 5, c: 80, n: 3, s: 2 },
  { t: 6, k: 3, c: 96, n: 2, s: 1 },
  { t: 6, k: 5, c: 192, n: 4, s: 2 },
  { t: 6, k: 3, c: 320, n: 1, s: 1 },
] as const;

/** Adds a MnasNet whose channels are `width` times the paper's: images [N, 3, H, W] to logits [N, classes]. */
export function mnasnet(g: GraphBuilder, x: Value, width: number, classes: number): Value {
  const layers = g.at('layers');
  const [stem, first] = [divisible(32 * width), divisible(16 * width)];
  let y = convNorm(layers, x, { channels: stem, kernel: 3, stride: 2, activation: relu });
  const depthwise = { channels: stem, kernel: 3, groups: stem, activation: relu };
  y = convNorm(layers, y, { ...depthwise, names: numbered('', 3) });
  y = convNorm(layers, y, { channels: first, kernel: 1, names: numbered('', 6) });
  for (const [i, { t, k, c, n, s }] of BLOCKS.entries()) {
    for (let block = 0; block < n; block++) {
      const [, inputs = 1] = y.desc.shape;
      y = invertedResidual(layers.at(8 + i).at(block), y, {
        expanded: t * inputs,
        channels: divisible(c * width),
        kernel: k,
        stride: block === 0 ? s : 1,
        activation: relu,
        names,
      });
    }
  }
  y = convNorm(layers, y, { channels: 1280, kernel: 1, activation: relu, names: numbered('', 14) });
  // Dropout, which does nothing at inference, has the number 0.
  return linear(g.at('classifier').at(1), channelMeans(g, y), { features: classes });
}

/** torchvision counts all layers of a block on. */
function names(layer: number): ConvNormNames {
  return numbered('layers', 3 * layer);
}

function mnasnetModel(width: number, name: string): ModelDef {
  return imagenetModel(name, `MnasNet, ${width} times the channels,`, (g, x) => ({
    logits: mnasnet(g, x, width, IMAGENET_CLASSES),
  }));
}

export const mnasnetModels: readonly ModelDef[] = [
  mnasnetModel(0.5, 'mnasnet0_5'),
  mnasnetModel(0.75, 'mnasnet0_75'),
  mnasnetModel(1, 'mnasnet1_0'),
  mnasnetModel(1.3, 'mnasnet1_3'),
];
