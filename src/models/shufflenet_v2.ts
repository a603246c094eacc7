/**
 * ShuffleNetV2: Ma, Zhang, Zheng and Sun, "ShuffleNet V2: practical guidelines for efficient CNN architecture design"
 * (2018). A unit works on one half of the channels and passes the other on as it is; then the channels are shuffled,
 * so that the next unit gets some of both.
 */
import { relu } from '../layers/activations.ts';
import { concat } from '../layers/concat.ts';
import { linear } from '../layers/linear.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import { shuffleChannels, split } from '../layers/rearrange.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { channelMeans } from './channel_means.ts';
import { convNorm, numbered } from './conv_norm.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import type { ModelDef } from './model.ts';

/** Units of the stages 2 to 4. */
const UNITS = [4, 8, 4] as const;

/** Channels of the stages 2 to 4 and of the last convolution, by the factor in the name. (Table 5.) */
const CHANNELS = {
  '0.5': [48, 96, 192, 1024],
  '1.0': [116, 232, 464, 1024],
  '1.5': [176, 352, 704, 1024],
  '2.0': [244, 488, 976, 2048],
} as const;

/** Channels of the stages 2 to 4 and of the last convolution. */
export type ShufflenetV2Channels = readonly [number, number, number, number];

/** Adds a ShuffleNetV2: images [N, 3, H, W] to logits [N, classes]. */
export function shufflenetV2(
  g: GraphBuilder,
  x: Value,
  [stage2, stage3, stage4, last]: ShufflenetV2Channels,
  classes: number,
): Value {
  let y = convNorm(g.at('conv1'), x, { channels: 24, kernel: 3, stride: 2, activation: relu });
  y = maxPool2d(g.at('maxpool'), y, { kernel: 3, stride: 2, padding: 1 });
  for (const [i, channels] of [stage2, stage3, stage4].entries()) {
    const stage = g.at(`stage${i + 2}`);
    y = downscalingUnit(stage.at(0), y, channels / 2);
    for (let n = 1; n < (UNITS[i] ?? 1); n++) y = unit(stage.at(n), y, channels / 2);
  }
  y = convNorm(g.at('conv5'), y, { channels: last, kernel: 1, activation: relu });
  return linear(g.at('fc'), channelMeans(g, y), { features: classes });
}

/** One half as it is, the other through the branch: [N, 2 C, H, W] to the same shape. */
function unit(g: GraphBuilder, x: Value, channels: number): Value {
  const [kept = x, worked = x] = split(g.at('chunk'), x, [channels, channels]);
  return shuffled(g, [kept, branch(g.at('branch2'), worked, channels, 1)]);
}

/** Both branches work on all channels and halve the size: [N, K, H, W] to [N, 2 C, H / 2, W / 2]. */
function downscalingUnit(g: GraphBuilder, x: Value, channels: number): Value {
  const short = g.at('branch1');
  const small = depthwise(short, x, 2, 0);
  const left = convNorm(short, small, {
    channels,
    kernel: 1,
    activation: relu,
    names: numbered('', 2),
  });
  return shuffled(g, [left, branch(g.at('branch2'), x, channels, 2)]);
}

/** 1x1, depthwise 3x3, 1x1. */
function branch(g: GraphBuilder, x: Value, channels: number, stride: number): Value {
  const pointwise = { channels, kernel: 1, activation: relu };
  const first = convNorm(g, x, pointwise);
  return convNorm(g, depthwise(g, first, stride, 3), { ...pointwise, names: numbered('', 5) });
}

function depthwise(g: GraphBuilder, x: Value, stride: number, number: number): Value {
  const [, channels = 1] = x.desc.shape;
  const names = numbered('', number);
  return convNorm(g, x, { channels, kernel: 3, stride, groups: channels, names });
}

function shuffled(g: GraphBuilder, branches: readonly Value[]): Value {
  return shuffleChannels(g.at('shuffle'), concat(g.at('concat'), branches), 2);
}

function shufflenetV2Model(factor: keyof typeof CHANNELS): ModelDef {
  const name = `shufflenet_v2_x${factor.replace('.', '_')}`;
  return imagenetModel(name, `ShuffleNetV2, ${factor} times the channels,`, (g, x) => ({
    logits: shufflenetV2(g, x, CHANNELS[factor], IMAGENET_CLASSES),
  }));
}

export const shufflenetV2Models: readonly ModelDef[] = (['0.5', '1.0', '1.5', '2.0'] as const).map(
  shufflenetV2Model,
);
