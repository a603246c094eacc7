/**
 * U-Net: Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation" (2015), with
 * padding, so that the map keeps the image's size, with batch norm, and of a quarter of the paper's channels.
 *
 *     3xHxW  -> block -> 16xHxW ---------------------------------------- concat -> block -> 16xHxW -> conv 1 -> classes
 *     pool 2 -> block -> 32x(H/2)x(W/2) ------------- concat -> block -> up 2
 *     pool 2 -> block -> 64x(H/4)x(W/4) -- concat -> block -> up 2
 *     pool 2 -> block -> 128x(H/8)x(W/8) -> up 2
 */
import { relu } from '../layers/activations.ts';
import { concat } from '../layers/concat.ts';
import { convTranspose2d } from '../layers/conv_transpose2d.ts';
import { conv2d } from '../layers/conv2d.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { convNorm, numbered } from './conv_norm.ts';
import type { ModelDef } from './model.ts';

/** Channels of the levels, from the image's size down. */
const LEVELS = [16, 32, 64] as const;
const MIDDLE = 128;
const CLASSES = 2;

/** Adds a U-Net: images [N, 3, H, W], H and W multiples of 8, to logits [N, classes, H, W]. */
export function unet(g: GraphBuilder, x: Value, classes: number): Value {
  const skips: Value[] = [];
  let y = x;
  for (const [i, channels] of LEVELS.entries()) {
    const skip = block(g.at(`down${i + 1}`), y, channels);
    skips.push(skip);
    y = maxPool2d(g.at(`pool${i + 1}`), skip, { kernel: 2 });
  }
  y = block(g.at('middle'), y, MIDDLE);
  for (const [i, channels] of [...LEVELS.entries()].reverse()) {
    const up = convTranspose2d(g.at(`up${i + 1}`), y, { channels, kernel: 2, stride: 2 });
    const joined = concat(g.at(`concat${i + 1}`), [skips[i] ?? up, up]);
    y = block(g.at(`dec${i + 1}`), joined, channels);
  }
  return conv2d(g.at('head'), y, { channels: classes, kernel: 1 });
}

/** Two 3x3 convolutions, each with norm and ReLU. */
function block(g: GraphBuilder, x: Value, channels: number): Value {
  const unit = { channels, kernel: 3, activation: relu };
  return convNorm(g, convNorm(g, x, unit), { ...unit, names: numbered('', 3) });
}

export const unetModel: ModelDef = {
  name: 'unet',
  summary: `U-Net, small: which of ${CLASSES} classes of your own each pixel belongs to`,
  domain: 'masks',
  channels: 3,
  size: [256, 256],
  classes: CLASSES,
  build: (g, x) => ({ logits: unet(g, x, CLASSES) }),
};
