/**
 * EfficientNet: Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks" (2019), and
 * "EfficientNetV2: smaller models and faster training" (2021).
 *
 * B0 to B7 are one table of inverted residuals with squeeze-and-excitation, MBConv, scaled in width and depth. V2 has
 * tables of its own, whose early stages fuse the expansion and the depthwise convolution into one 3x3 convolution.
 */
import { silu } from '../layers/activations.ts';
import { add } from '../layers/arithmetic.ts';
import { linear } from '../layers/linear.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { channelMeans } from './channel_means.ts';
import { convNorm, numbered } from './conv_norm.ts';
import { divisible } from './divisible.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import { invertedResidual } from './inverted_residual.ts';
import type { ModelDef } from './model.ts';

type Stage = readonly [
  block: 'MBConv' | 'Fused',
  expansion: number,
  kernel: number,
  stride: number,
  channels: number,
  blocks: number,
];

export interface EfficientnetLayers {
  /** Channels of the first convolution. */
  readonly stem: number;
  readonly stages: readonly Stage[];
  /** Channels of the last convolution. */
  readonly last: number;
  /** Of the norms. */
  readonly epsilon: number;
}

/** Table 1 of EfficientNet. */
const B0: readonly Stage[] = [
  ['MBConv', 1, 3, 1, 16, 1],
  ['MBConv', 6, 3, 2, 24, 2],
  ['MBConv', 6, 5, 2, 40, 2],
  ['MBConv', 6, 3, 2, 80, 3],
  ['MBConv', 6, 5, 1, 112, 3],
  ['MBConv', 6, 5, 2, 192, 4],
  ['MBConv', 6, 3, 1, 320, 1],
];

/** Width and depth as factors of B0's, size of the image. */
const SCALES = [
  { width: 1, depth: 1, size: 224 },
  { width: 1, depth: 1.1, size: 240 },
  { width: 1.1, depth: 1.2, size: 288 },
  { width: 1.2, depth: 1.4, size: 300 },
  { width: 1.4, depth: 1.8, size: 380 },
  { width: 1.6, depth: 2.2, size: 456 },
  { width: 1.8, depth: 2.6, size: 528 },
  { width: 2, depth: 3.1, size: 600 },
] as const;

/** Table 4 of EfficientNetV2 is S; M and L as the authors published them. */
const V2 = {
  s: [
    ['Fused', 1, 3, 1, 24, 2],
    ['Fused', 4, 3, 2, 48, 4],
    ['Fused', 4, 3, 2, 64, 4],
    ['MBConv', 4, 3, 2, 128, 6],
    ['MBConv', 6, 3, 1, 160, 9],
    ['MBConv', 6, 3, 2, 256, 15],
  ],
  m: [
    ['Fused', 1, 3, 1, 24, 3],
    ['Fused', 4, 3, 2, 48, 5],
    ['Fused', 4, 3, 2, 80, 5],
    ['MBConv', 4, 3, 2, 160, 7],
    ['MBConv', 6, 3, 1, 176, 14],
    ['MBConv', 6, 3, 2, 304, 18],
    ['MBConv', 6, 3, 1, 512, 5],
  ],
  l: [
    ['Fused', 1, 3, 1, 32, 4],
    ['Fused', 4, 3, 2, 64, 7],
    ['Fused', 4, 3, 2, 96, 7],
    ['MBConv', 4, 3, 2, 192, 10],
    ['MBConv', 6, 3, 1, 224, 19],
    ['MBConv', 6, 3, 2, 384, 25],
    ['MBConv', 6, 3, 1, 640, 7],
  ],
} as const satisfies Readonly<Record<string, readonly Stage[]>>;

/** Adds an EfficientNet: images [N, 3, H, W] to logits [N, classes]. */
export function efficientnet(
  g: GraphBuilder,
  x: Value,
  { stem, stages, last, epsilon }: EfficientnetLayers,
  classes: number,
): Value {
  const features = g.at('features');
  const unit = { activation: silu, epsilon };
  let y = convNorm(features.at(0), x, { channels: stem, kernel: 3, stride: 2, ...unit });
  for (const [i, [kind, expansion, kernel, stride, channels, blocks]] of stages.entries()) {
    for (let n = 0; n < blocks; n++) {
      const block = { expansion, kernel, stride: n === 0 ? stride : 1, channels, epsilon };
      y = (kind === 'Fused' ? fusedMbConv : mbConv)(features.at(i + 1).at(n), y, block);
    }
  }
  y = convNorm(features.at(stages.length + 1), y, { channels: last, kernel: 1, ...unit });
  // Dropout, which does nothing at inference, has the number 0.
  return linear(g.at('classifier').at(1), channelMeans(g, y), { features: classes });
}

interface BlockOptions {
  readonly expansion: number;
  readonly kernel: number;
  readonly stride: number;
  readonly channels: number;
  readonly epsilon: number;
}

function mbConv(g: GraphBuilder, x: Value, { expansion, ...block }: BlockOptions): Value {
  const [, inputs = 1] = x.desc.shape;
  return invertedResidual(g, x, {
    ...block,
    expanded: inputs * expansion,
    activation: silu,
    excitation: { squeezed: Math.max(1, Math.floor(inputs / 4)), activation: silu },
  });
}

/** A 3x3 convolution to the expanded channels, and a projection; without expansion the first does it all. */
function fusedMbConv(g: GraphBuilder, x: Value, block: BlockOptions): Value {
  const { expansion, kernel, stride, channels, epsilon } = block;
  const [, inputs = 1] = x.desc.shape;
  const wide = expansion === 1 ? channels : inputs * expansion;
  const first = { kernel, stride, activation: silu, epsilon, names: numbered('block.0') };
  let y = convNorm(g, x, { channels: wide, ...first });
  if (expansion !== 1) {
    y = convNorm(g, y, { channels, kernel: 1, epsilon, names: numbered('block.1') });
  }
  return stride === 1 && inputs === channels ? add(g.at('add'), y, x) : y;
}

function scaled(b: number, { width, depth, size }: (typeof SCALES)[number]): ModelDef {
  const stages = B0.map(([kind, expansion, kernel, stride, channels, blocks]): Stage => {
    const [wide, deep] = [divisible(channels * width), Math.ceil(blocks * depth)];
    return [kind, expansion, kernel, stride, wide, deep];
  });
  const [stem, last] = [divisible(32 * width), 4 * divisible(320 * width)];
  const layers = { stem, stages, last, epsilon: b < 5 ? 1e-5 : 1e-3 };
  const build: ModelDef['build'] = (g, x) => ({
    logits: efficientnet(g, x, layers, IMAGENET_CLASSES),
  });
  return imagenetModel(`efficientnet_b${b}`, `EfficientNet-B${b}`, build, size);
}

function second(name: keyof typeof V2, size: number): ModelDef {
  const stages = V2[name];
  const layers = { stem: stages[0][4], stages, last: 1280, epsilon: 1e-3 };
  const build: ModelDef['build'] = (g, x) => ({
    logits: efficientnet(g, x, layers, IMAGENET_CLASSES),
  });
  return imagenetModel(
    `efficientnet_v2_${name}`,
    `EfficientNetV2-${name.toUpperCase()}`,
    build,
    size,
  );
}

export const efficientnetModels: readonly ModelDef[] = [
  ...SCALES.map((scale, b) => scaled(b, scale)),
  second('s', 384),
  second('m', 480),
  second('l', 480),
];
