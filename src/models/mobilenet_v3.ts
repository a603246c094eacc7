/**
 * MobileNetV3: Howard et al., "Searching for MobileNetV3" (2019). Inverted residuals, some with
 * squeeze-and-excitation, with the activation h-swish in the later ones.
 *
 *     3x224x224 -> conv 3/2 -> 16x112x112 -> blocks -> 160x7x7 -> conv 1 -> 960x7x7 -> mean -> 1280 -> classes
 */
import { hardSigmoid, hardSwish, relu } from '../layers/activations.ts';
import { linear } from '../layers/linear.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { channelMeans } from './channel_means.ts';
import { type ActivationFunction, convNorm } from './conv_norm.ts';
import { divisible } from './divisible.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import { invertedResidual } from './inverted_residual.ts';
import type { ModelDef } from './model.ts';
import type { SqueezeExcitationOptions } from './squeeze_excitation.ts';

/** Kernel, expanded channels, channels, squeeze-and-excitation (SE), activation, stride. */
type Block = readonly [
  kernel: number,
  expanded: number,
  channels: number,
  excitation: 'SE' | '',
  activation: 'RE' | 'HS',
  stride: number,
];

export interface MobilenetV3Layers {
  readonly blocks: readonly Block[];
  /** Features between the two layers of the classifier. */
  readonly features: number;
}

/** Table 1. */
export const mobilenetV3LargeLayers: MobilenetV3Layers = {
  blocks: [
    [3, 16, 16, '', 'RE', 1],
    [3, 64, 24, '', 'RE', 2],
    [3, 72, 24, '', 'RE', 1],
    [5, 72, 40, 'SE', 'RE', 2],
    [5, 120, 40, 'SE', 'RE', 1],
    [5, 120, 40, 'SE', 'RE', 1],
    [3, 240, 80, '', 'HS', 2],
    [3, 200, 80, '', 'HS', 1],
    [3, 184, 80, '', 'HS', 1],
    [3, 184, 80, '', 'HS', 1],
    [3, 480, 112, 'SE', 'HS', 1],
    [3, 672, 112, 'SE', 'HS', 1],
    [5, 672, 160, 'SE', 'HS', 2],
    [5, 960, 160, 'SE', 'HS', 1],
    [5, 960, 160, 'SE', 'HS', 1],
  ],
  features: 1280,
};

/** Table 2. */
const SMALL: MobilenetV3Layers = {
  blocks: [
    [3, 16, 16, 'SE', 'RE', 2],
    [3, 72, 24, '', 'RE', 2],
    [3, 88, 24, '', 'RE', 1],
    [5, 96, 40, 'SE', 'HS', 2],
    [5, 240, 40, 'SE', 'HS', 1],
    [5, 240, 40, 'SE', 'HS', 1],
    [5, 120, 48, 'SE', 'HS', 1],
    [5, 144, 48, 'SE', 'HS', 1],
    [5, 288, 96, 'SE', 'HS', 2],
    [5, 576, 96, 'SE', 'HS', 1],
    [5, 576, 96, 'SE', 'HS', 1],
  ],
  features: 1024,
};

const EPSILON = 1e-3;
const ACTIVATIONS: Readonly<Record<Block[4], ActivationFunction>> = { RE: relu, HS: hardSwish };

/** Adds a MobileNetV3: images [N, 3, H, W] to logits [N, classes]. */
export function mobilenetV3(
  g: GraphBuilder,
  x: Value,
  layers: MobilenetV3Layers,
  classes: number,
): Value {
  const { last } = mobilenetV3Features(g.at('features'), x, layers);
  const c = g.at('classifier');
  const y = linear(c.at(0), channelMeans(g, last), { features: layers.features });
  // Dropout, which does nothing at inference, has the number 2.
  return linear(c.at(3), hardSwish(c.at(1), y), { features: classes });
}

export interface MobilenetV3Features {
  /** The first feature map of an eighth of the image's size. */
  readonly eighth: Value;
  /** The last feature map of all: of a 32nd of the image's size, or of a 16th where it is dilated. */
  readonly last: Value;
}

/**
 * Adds a MobileNetV3 without its classifier: images [N, 3, H, W] to feature maps. `dilated` ones have dilation in place
 * of the last stride, for segmentation.
 */
export function mobilenetV3Features(
  g: GraphBuilder,
  x: Value,
  { blocks }: MobilenetV3Layers,
  { dilated = false }: { readonly dilated?: boolean } = {},
): MobilenetV3Features {
  const hardSwished = { activation: hardSwish, epsilon: EPSILON };
  let y = convNorm(g.at(0), x, { channels: 16, kernel: 3, stride: 2, ...hardSwished });
  let reduction = 2;
  let eighth = y;
  for (const [
    i,
    [kernel, expanded, channels, excitation, activation, stride],
  ] of blocks.entries()) {
    reduction *= stride;
    y = invertedResidual(g.at(i + 1), y, {
      kernel,
      expanded,
      channels,
      stride,
      dilation: dilated && reduction > 16 ? 2 : 1,
      activation: ACTIVATIONS[activation],
      epsilon: EPSILON,
      excitation: excitation === 'SE' ? squeezedTo(divisible(Math.floor(expanded / 4))) : undefined,
    });
    if (reduction === 8 && stride === 2) eighth = y;
  }
  const [, channels = 1] = y.desc.shape;
  const last = convNorm(g.at(blocks.length + 1), y, {
    channels: 6 * channels,
    kernel: 1,
    ...hardSwished,
  });
  return { eighth, last };
}

function squeezedTo(squeezed: number): SqueezeExcitationOptions {
  return { squeezed, activation: relu, gate: hardSigmoid };
}

function mobilenetV3Model(size: 'small' | 'large', layers: MobilenetV3Layers): ModelDef {
  return imagenetModel(`mobilenet_v3_${size}`, `MobileNetV3, ${size},`, (g, x) => ({
    logits: mobilenetV3(g, x, layers, IMAGENET_CLASSES),
  }));
}

export const mobilenetV3Models: readonly ModelDef[] = [
  mobilenetV3Model('small', SMALL),
  mobilenetV3Model('large', mobilenetV3LargeLayers),
];
