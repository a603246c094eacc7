/**
 * MobileNetV2: Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: inverted residuals and linear bottlenecks"
 * (2018).
 *
 *     3x224x224 -> conv 3/2 -> 32x112x112 -> 17 inverted residuals -> 320x7x7 -> conv 1 -> 1280x7x7 -> mean -> classes
 */
import { clip } from '../layers/activations.ts';
import { linear } from '../layers/linear.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { channelMeans } from './channel_means.ts';
import { type ConvNormNames, convNorm, numbered } from './conv_norm.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import { invertedResidual } from './inverted_residual.ts';
import type { ModelDef } from './model.ts';

/** Table 2: expansion t, channels c, blocks n, stride s of the first of them. */
const BLOCKS = [
  { t: 1, c: 16, n: 1, s: 1 },
  { t: 6, c: 24, n: 2, s: 2 },
  { t: 6, c: 32, n: 3, s: 2 },
  { t: 6, c: 64, n: 4, s: 2 },
  { t: 6, c: 96, n: 3, s: 1 },
  { t: 6, c: 160, n: 3, s: 2 },
  { t: 6, c: 320, n: 1, s: 1 },
] as const;

/** Adds MobileNetV2: images [N, 3, H, W] to logits [N, classes]. */
export function mobilenetV2(g: GraphBuilder, x: Value, classes: number): Value {
  let number = 0;
  const next = (): GraphBuilder => g.at('features').at(number++);
  let y = convNorm(next(), x, { channels: 32, kernel: 3, stride: 2, activation: relu6 });
  for (const { t, c, n, s } of BLOCKS) {
    for (let i = 0; i < n; i++) {
      const [, inputs = 1] = y.desc.shape;
      y = invertedResidual(next(), y, {
        expanded: t * inputs,
        channels: c,
        kernel: 3,
        stride: i === 0 ? s : 1,
        activation: relu6,
        names,
      });
    }
  }
  y = convNorm(next(), y, { channels: 1280, kernel: 1, activation: relu6 });
  // Dropout, which does nothing at inference, has the number 0.
  return linear(g.at('classifier').at(1), channelMeans(g, y), { features: classes });
}

function relu6(g: GraphBuilder, x: Value): Value {
  return clip(g, x, { least: 0, most: 6 });
}

/** torchvision counts the layers of the projection on, below `conv` itself. */
function names(layer: number, isProjection: boolean): ConvNormNames {
  return isProjection ? numbered('conv', layer) : numbered(`conv.${layer}`);
}

export const mobilenetV2Model: ModelDef = imagenetModel('mobilenet_v2', 'MobileNetV2', (g, x) => ({
  logits: mobilenetV2(g, x, IMAGENET_CLASSES),
}));
