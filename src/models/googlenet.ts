/**
 * GoogLeNet: Szegedy et al., "Going deeper with convolutions" (2015), with batch norm, as torchvision has it: there the
 * 5x5 convolutions are 3x3.
 *
 *     3x224x224 -> conv 7/2, pool -> 64x56x56 -> conv 1, conv 3, pool -> 192x28x28
 *               -> 2 inceptions, pool -> 480x14x14 -> 5 inceptions, pool -> 832x7x7 -> 2 inceptions -> 1024x7x7
 *               -> mean -> classes
 *
 * torchvision trained its weights on pixels from -1 to 1 (`transform_input`).
 */
import { relu } from '../layers/activations.ts';
import { adaptiveAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { concat } from '../layers/concat.ts';
import { flatten } from '../layers/flatten.ts';
import { linear } from '../layers/linear.ts';
import { maxPool2d } from '../layers/pool2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { basicConv } from './basic_conv.ts';
import { channelMeans } from './channel_means.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import type { ModelDef } from './model.ts';

/** Channels of an inception: 1x1; 3x3 and its reduction; 5x5 and its reduction; the projection after the pooling. */
interface Row {
  readonly name: string;
  readonly one: number;
  readonly three: readonly [reduced: number, channels: number];
  readonly five: readonly [reduced: number, channels: number];
  readonly pool: number;
}

/** Table 1. */
const INCEPTIONS: readonly Row[] = [
  { name: '3a', one: 64, three: [96, 128], five: [16, 32], pool: 32 },
  { name: '3b', one: 128, three: [128, 192], five: [32, 96], pool: 64 },
  { name: '4a', one: 192, three: [96, 208], five: [16, 48], pool: 64 },
  { name: '4b', one: 160, three: [112, 224], five: [24, 64], pool: 64 },
  { name: '4c', one: 128, three: [128, 256], five: [24, 64], pool: 64 },
  { name: '4d', one: 112, three: [144, 288], five: [32, 64], pool: 64 },
  { name: '4e', one: 256, three: [160, 320], five: [32, 128], pool: 128 },
  { name: '5a', one: 256, three: [160, 320], five: [32, 128], pool: 128 },
  { name: '5b', one: 384, three: [192, 384], five: [48, 128], pool: 128 },
];

/** After these a pooling halves the size, by a window of this size. */
const POOLS: ReadonlyMap<string, { readonly name: string; readonly kernel: number }> = new Map([
  ['3b', { name: 'maxpool3', kernel: 3 }],
  ['4e', { name: 'maxpool4', kernel: 2 }],
]);

/** After these a classifier of its own helps the training. */
const AUXILIARY: ReadonlyMap<string, 'aux1' | 'aux2'> = new Map([
  ['4a', 'aux1'],
  ['4d', 'aux2'],
]);

/** What a GoogLeNet says; the auxiliary classifiers run only where they are asked for. */
export interface GooglenetOutputs {
  readonly [name: string]: Value;
  readonly logits: Value;
}

/** Adds GoogLeNet: images [N, 3, H, W] to logits [N, classes]. */
export function googlenet(g: GraphBuilder, x: Value, classes: number): GooglenetOutputs {
  const auxiliary: Record<string, Value> = {};
  let y = basicConv(g.at('conv1'), x, { channels: 64, kernel: 7, stride: 2 });
  y = halved(g.at('maxpool1'), y, 3);
  y = basicConv(g.at('conv2'), y, { channels: 64, kernel: 1 });
  y = basicConv(g.at('conv3'), y, { channels: 192, kernel: 3 });
  y = halved(g.at('maxpool2'), y, 3);
  for (const row of INCEPTIONS) {
    y = inception(g.at(`inception${row.name}`), y, row);
    const classifier = AUXILIARY.get(row.name);
    if (classifier) auxiliary[classifier] = auxiliaryClassifier(g.at(classifier), y, classes);
    const pool = POOLS.get(row.name);
    if (pool) y = halved(g.at(pool.name), y, pool.kernel);
  }
  // Dropout does nothing at inference.
  return { ...auxiliary, logits: linear(g.at('fc'), channelMeans(g, y), { features: classes }) };
}

function halved(g: GraphBuilder, x: Value, kernel: number): Value {
  return maxPool2d(g, x, { kernel, stride: 2, ceilMode: true });
}

function inception(g: GraphBuilder, x: Value, { one, three, five, pool }: Row): Value {
  const reduced = (branch: GraphBuilder, [narrow, channels]: Row['three']): Value => {
    const y = basicConv(branch.at(0), x, { channels: narrow, kernel: 1 });
    return basicConv(branch.at(1), y, { channels, kernel: 3 });
  };
  const last = g.at('branch4');
  const pooled = maxPool2d(last.at(0), x, { kernel: 3, stride: 1, padding: 1 });
  return concat(g.at('concat'), [
    basicConv(g.at('branch1'), x, { channels: one, kernel: 1 }),
    reduced(g.at('branch2'), three),
    reduced(g.at('branch3'), five),
    basicConv(last.at(1), pooled, { channels: pool, kernel: 1 }),
  ]);
}

function auxiliaryClassifier(g: GraphBuilder, x: Value, classes: number): Value {
  const pooled = adaptiveAveragePool2d(g.at('avgpool'), x, 4);
  const y = basicConv(g.at('conv'), pooled, { channels: 128, kernel: 1 });
  const hidden = linear(g.at('fc1'), flatten(g.at('flatten'), y), { features: 1024 });
  return linear(g.at('fc2'), relu(g.at('relu'), hidden), { features: classes });
}

export const googlenetModel: ModelDef = imagenetModel('googlenet', 'GoogLeNet', (g, x) =>
  googlenet(g, x, IMAGENET_CLASSES),
);
