/**
 * Inception v3: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception architecture for computer
 * vision" (2016). Large convolutions are taken apart: 5x5 into two 3x3, 7x7 into 1x7 and 7x1.
 *
 *     3x299x299 -> convs, pools -> 192x35x35 -> 3 of A -> 288x35x35 -> B -> 768x17x17 -> 4 of C -> 768x17x17
 *               -> D -> 1280x8x8 -> 2 of E -> 2048x8x8 -> mean -> classes
 *
 * torchvision trained its weights on pixels from -1 to 1 (`transform_input`).
 */
import { concat } from '../layers/concat.ts';
import { linear } from '../layers/linear.ts';
import { averagePool2d, maxPool2d } from '../layers/pool2d.ts';
import type { PairLike } from '../layers/window.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { basicConv } from './basic_conv.ts';
import { channelMeans } from './channel_means.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import type { ModelDef } from './model.ts';

/** A convolution by its name, channels and kernel; it keeps the size, or halves it without padding. */
type Conv = readonly [name: string, channels: number, kernel: PairLike, stride?: 2];

/** A block adds a module: [N, C, H, W] to the concatenation of what its branches give. */
type Block = (g: GraphBuilder, x: Value) => Value;

/** Convolutions one after the other. */
function branch(g: GraphBuilder, x: Value, convs: readonly Conv[]): Value {
  return convs.reduce(
    (y, [name, channels, kernel, stride]) =>
      basicConv(g.at(name), y, { channels, kernel, ...(stride && { stride, padding: 0 }) }),
    x,
  );
}

function pooled(g: GraphBuilder, x: Value, channels: number): Value {
  const y = averagePool2d(g.at('pool'), x, { kernel: 3, stride: 1, padding: 1 });
  return branch(g, y, [['branch_pool', channels, 1]]);
}

function halved(g: GraphBuilder, x: Value): Value {
  return maxPool2d(g, x, { kernel: 3, stride: 2 });
}

/** Two convolutions side by side, of a row and of a column. */
function cross(g: GraphBuilder, x: Value, name: string): Value {
  return concat(g.at(`${name}_concat`), [
    branch(g, x, [[`${name}a`, 384, [1, 3]]]),
    branch(g, x, [[`${name}b`, 384, [3, 1]]]),
  ]);
}

const blockA =
  (pool: number): Block =>
  (g, x) =>
    concat(g.at('concat'), [
      branch(g, x, [['branch1x1', 64, 1]]),
      branch(g, x, [
        ['branch5x5_1', 48, 1],
        ['branch5x5_2', 64, 5],
      ]),
      branch(g, x, [
        ['branch3x3dbl_1', 64, 1],
        ['branch3x3dbl_2', 96, 3],
        ['branch3x3dbl_3', 96, 3],
      ]),
      pooled(g, x, pool),
    ]);

const blockB: Block = (g, x) =>
  concat(g.at('concat'), [
    branch(g, x, [['branch3x3', 384, 3, 2]]),
    branch(g, x, [
      ['branch3x3dbl_1', 64, 1],
      ['branch3x3dbl_2', 96, 3],
      ['branch3x3dbl_3', 96, 3, 2],
    ]),
    halved(g.at('pool'), x),
  ]);

const blockC =
  (narrow: number): Block =>
  (g, x) =>
    concat(g.at('concat'), [
      branch(g, x, [['branch1x1', 192, 1]]),
      branch(g, x, [
        ['branch7x7_1', narrow, 1],
        ['branch7x7_2', narrow, [1, 7]],
        ['branch7x7_3', 192, [7, 1]],
      ]),
      branch(g, x, [
        ['branch7x7dbl_1', narrow, 1],
        ['branch7x7dbl_2', narrow, [7, 1]],
        ['branch7x7dbl_3', narrow, [1, 7]],
        ['branch7x7dbl_4', narrow, [7, 1]],
        ['branch7x7dbl_5', 192, [1, 7]],
      ]),
      pooled(g, x, 192),
    ]);

const blockD: Block = (g, x) =>
  concat(g.at('concat'), [
    branch(g, x, [
      ['branch3x3_1', 192, 1],
      ['branch3x3_2', 320, 3, 2],
    ]),
    branch(g, x, [
      ['branch7x7x3_1', 192, 1],
      ['branch7x7x3_2', 192, [1, 7]],
      ['branch7x7x3_3', 192, [7, 1]],
      ['branch7x7x3_4', 192, 3, 2],
    ]),
    halved(g.at('pool'), x),
  ]);

const blockE: Block = (g, x) => {
  const three = branch(g, x, [['branch3x3_1', 384, 1]]);
  const double = branch(g, x, [
    ['branch3x3dbl_1', 448, 1],
    ['branch3x3dbl_2', 384, 3],
  ]);
  return concat(g.at('concat'), [
    branch(g, x, [['branch1x1', 320, 1]]),
    cross(g, three, 'branch3x3_2'),
    cross(g, double, 'branch3x3dbl_3'),
    pooled(g, x, 192),
  ]);
};

/** Table 1, before and after the auxiliary classifier. */
const BLOCKS: readonly (readonly [name: string, block: Block])[] = [
  ['Mixed_5b', blockA(32)],
  ['Mixed_5c', blockA(64)],
  ['Mixed_5d', blockA(64)],
  ['Mixed_6a', blockB],
  ['Mixed_6b', blockC(128)],
  ['Mixed_6c', blockC(160)],
  ['Mixed_6d', blockC(160)],
  ['Mixed_6e', blockC(192)],
  ['Mixed_7a', blockD],
  ['Mixed_7b', blockE],
  ['Mixed_7c', blockE],
];

/** The map from which the auxiliary classifier starts, and how large it has to be. */
const AUXILIARY = { after: 'Mixed_6e', size: 17 } as const;

/** What an Inception says; the auxiliary classifier runs only where it is asked for. */
export interface InceptionV3Outputs {
  readonly [name: string]: Value;
  readonly logits: Value;
}

/**
 * Adds Inception v3: images [N, 3, H, W], 75 x 75 at least, to logits [N, classes]. `aux`, the classifier that helps
 * the training, is there for images that are large enough for it.
 */
export function inceptionV3(g: GraphBuilder, x: Value, classes: number): InceptionV3Outputs {
  let auxiliary: Record<string, Value> = {};
  let y = stem(g, x);
  for (const [name, block] of BLOCKS) {
    y = block(g.at(name), y);
    const [, , height = 0, width = 0] = y.desc.shape;
    if (name === AUXILIARY.after && Math.min(height, width) >= AUXILIARY.size) {
      auxiliary = { aux: auxiliaryClassifier(g.at('AuxLogits'), y, classes) };
    }
  }
  // Dropout does nothing at inference.
  return { ...auxiliary, logits: linear(g.at('fc'), channelMeans(g, y), { features: classes }) };
}

function stem(g: GraphBuilder, x: Value): Value {
  let y = branch(g, x, [['Conv2d_1a_3x3', 32, 3, 2]]);
  y = basicConv(g.at('Conv2d_2a_3x3'), y, { channels: 32, kernel: 3, padding: 0 });
  y = branch(g, y, [['Conv2d_2b_3x3', 64, 3]]);
  y = branch(g, halved(g.at('maxpool1'), y), [['Conv2d_3b_1x1', 80, 1]]);
  y = basicConv(g.at('Conv2d_4a_3x3'), y, { channels: 192, kernel: 3, padding: 0 });
  return halved(g.at('maxpool2'), y);
}

function auxiliaryClassifier(g: GraphBuilder, x: Value, classes: number): Value {
  const small = averagePool2d(g.at('pool'), x, { kernel: 5, stride: 3 });
  const y = basicConv(g.at('conv0'), small, { channels: 128, kernel: 1 });
  const wide = basicConv(g.at('conv1'), y, { channels: 768, kernel: 5, padding: 0 });
  return linear(g.at('fc'), channelMeans(g, wide), { features: classes });
}

export const inceptionV3Model: ModelDef = imagenetModel(
  'inception_v3',
  'Inception v3',
  (g, x) => inceptionV3(g, x, IMAGENET_CLASSES),
  299,
);
