/** What timm, the PyTorch library, calls the layers of networks that torchvision has, too. */
import { elementCount, type Shape } from '../runtime/tensor.ts';

/** Whether a file has a tensor of this name, one of timm's. */
export type Has = (name: string) => boolean;

/** How timm's tensors of a family of networks become torchvision's. */
export interface TimmFamily {
  /** Whether a file is of this family. */
  readonly matches: (has: Has) => boolean;
  /** torchvision's name for one of timm's. */
  readonly rename: (name: string, has: Has) => string;
  /** torchvision's shape, where timm has another; by torchvision's name. */
  readonly reshape?: (shape: Shape, name: string) => Shape;
  /** What is added to a tensor, by torchvision's name; nothing by default. */
  readonly shift?: (name: string) => number;
}

/** Replaces the beginning of a name by the first rule that fits it. */
function replaced(name: string, rules: readonly (readonly [from: string, to: string])[]): string {
  const rule = rules.find(([from]) => name.startsWith(from));
  return rule ? rule[1] + name.slice(rule[0].length) : name;
}

/** [F, C, H, W] as [F, C * H * W]; a bias stays [F]. */
function asLinear([features = 0, ...rest]: Shape): Shape {
  return rest.length === 0 ? [features] : [features, elementCount(rest)];
}

/**
 * It computes the first two layers of the classifier as convolutions on the 7 x 7 map, with the same weights in the
 * same order: [4096, 512, 7, 7] is the linear layer's [4096, 25088].
 */
const vgg: TimmFamily = {
  matches: (has) => has('pre_logits.fc1.weight'),
  rename: (name) =>
    replaced(name, [
      ['pre_logits.fc1.', 'classifier.0.'],
      ['pre_logits.fc2.', 'classifier.3.'],
      ['head.fc.', 'classifier.6.'],
    ]),
  reshape: (shape, name) => (name.startsWith('classifier.') ? asLinear(shape) : shape),
};

const regnet: TimmFamily = {
  matches: (has) => has('s1.b1.conv1.conv.weight'),
  rename: (name) => {
    const [, stage, block, inner = ''] = /^s(\d+)\.b(\d+)\.(.*)$/.exec(name) ?? [];
    if (stage === undefined) {
      return replaced(name, [
        ['stem.conv.', 'stem.0.'],
        ['stem.bn.', 'stem.1.'],
        ['head.fc.', 'fc.'],
      ]);
    }
    const layer = replaced(inner, [
      ['conv1.conv.', 'f.a.0.'],
      ['conv1.bn.', 'f.a.1.'],
      ['conv2.conv.', 'f.b.0.'],
      ['conv2.bn.', 'f.b.1.'],
      ['se.', 'f.se.'],
      ['conv3.conv.', 'f.c.0.'],
      ['conv3.bn.', 'f.c.1.'],
      ['downsample.conv.', 'proj.0.'],
      ['downsample.bn.', 'proj.1.'],
    ]);
    return `trunk_output.block${stage}.block${stage}-${Number(block) - 1}.${layer}`;
  },
};

const convnext: TimmFamily = {
  matches: (has) => has('stages.0.blocks.0.gamma'),
  rename: (name) => {
    const [, stage = '', inner = ''] = /^stages\.(\d+)\.(.*)$/.exec(name) ?? [];
    const [, block = '', layer = ''] = /^blocks\.(\d+)\.(.*)$/.exec(inner) ?? [];
    if (stage === '') {
      return replaced(name, [
        ['stem.', 'features.0.'],
        ['head.norm.', 'classifier.0.'],
        ['head.fc.', 'classifier.2.'],
      ]);
    }
    if (block === '') return replaced(inner, [['downsample.', `features.${2 * Number(stage)}.`]]);
    const torchvision = replaced(layer, [
      ['gamma', 'layer_scale'],
      ['conv_dw.', 'block.0.'],
      ['norm.', 'block.2.'],
      ['mlp.fc1.', 'block.3.'],
      ['mlp.fc2.', 'block.5.'],
    ]);
    return `features.${2 * Number(stage) + 1}.${block}.${torchvision}`;
  },
  reshape: (shape, name) => (name.endsWith('.layer_scale') ? [...shape, 1, 1] : shape),
};

/** A tensor of a network of inverted residuals: stage and block, counted from 0, and what it is called in the block. */
interface BlockTensor {
  readonly stage: number;
  readonly block: number;
  readonly inner: string;
}

function blockTensor(name: string): BlockTensor | undefined {
  const [, stage, block, inner = ''] = /^blocks\.(\d+)\.(\d+)\.(.*)$/.exec(name) ?? [];
  return stage === undefined ? undefined : { stage: Number(stage), block: Number(block), inner };
}

/** How many blocks the stages before this one have. */
function blocksBefore(stage: number, has: Has): number {
  let count = 0;
  for (let s = 0; s < stage; s++) {
    for (let b = 0; has(`blocks.${s}.${b}.bn1.weight`); b++) count++;
  }
  return count;
}

/** The place of a tensor in torchvision's list of a block's layers, whether that layer is the last, and the rest. */
interface Place {
  readonly layer: number;
  readonly isProjection: boolean;
  /** Convolution 0 or norm 1; `fc1` or `fc2` of squeeze-and-excitation. */
  readonly part: number | 'fc1' | 'fc2';
  readonly kind: string;
}

/** timm numbers the norms of a block; the convolutions are called by what they do, and the first may be missing. */
function placeOf({ stage, block, inner }: BlockTensor, has: Has): Place | undefined {
  const path = `blocks.${stage}.${block}.`;
  const expands = has(`${path}conv_pwl.weight`);
  const excited = has(`${path}se.conv_reduce.weight`);
  const convs = expands ? ['conv_pw', 'conv_dw', 'conv_pwl'] : ['conv_dw', 'conv_pw'];
  const last = convs.length - 1;
  const [, name = '', kind = ''] = /^(.*)\.(\w+)$/.exec(inner) ?? [];
  if (name === 'se.conv_reduce') return { layer: last, isProjection: false, part: 'fc1', kind };
  if (name === 'se.conv_expand') return { layer: last, isProjection: false, part: 'fc2', kind };
  const part = name.startsWith('bn') ? 1 : 0;
  const conv = part === 1 ? Number(name.slice(2)) - 1 : convs.indexOf(name);
  if (!(conv >= 0 && conv <= last)) return undefined;
  const isProjection = conv === last;
  return { layer: conv + (isProjection && excited ? 1 : 0), isProjection, part, kind };
}

/** Stem and head of the networks of inverted residuals; `last` is the number of torchvision's last convolution. */
function outerName(name: string, last: number): string {
  return replaced(name, [
    ['conv_stem.', 'features.0.0.'],
    ['bn1.', 'features.0.1.'],
    ['conv_head.', `features.${last}.0.`],
    ['bn2.', `features.${last}.1.`],
    ['classifier.', 'classifier.1.'],
  ]);
}

const STAGES = 7;

/** Those that timm trained itself. What it has from TensorFlow, `tf_efficientnet`, pads in another way. */
const efficientnet: TimmFamily = {
  matches: (has) => has('blocks.0.0.se.conv_reduce.weight') && has('bn2.weight'),
  rename: (name, has) => {
    const tensor = blockTensor(name);
    if (!tensor) return outerName(name, STAGES + 1);
    const place = placeOf(tensor, has);
    const path = `features.${tensor.stage + 1}.${tensor.block}.block`;
    return place ? `${path}.${place.layer}.${place.part}.${place.kind}` : name;
  },
};

const mobilenetV2: TimmFamily = {
  // The second stage of an MnasNet, which is built alike, has a third block.
  matches: (has) =>
    has('blocks.0.0.conv_dw.weight') &&
    has('bn2.weight') &&
    !has('blocks.0.0.se.conv_reduce.weight') &&
    !has('blocks.1.2.conv_dw.weight'),
  rename: (name, has) => {
    const tensor = blockTensor(name);
    if (!tensor) return outerName(name, blocksBefore(STAGES, has) + 1);
    const place = placeOf(tensor, has);
    if (!place) return name;
    const { layer, isProjection, part, kind } = place;
    const path = `features.${blocksBefore(tensor.stage, has) + tensor.block + 1}.conv`;
    return `${path}.${isProjection ? layer + Number(part) : `${layer}.${part}`}.${kind}`;
  },
};

/** timm's norms add 1e-5 to the variance where torchvision's add 1e-3. */
const MOBILENET_V3_SHIFT = 1e-5 - 1e-3;

const mobilenetV3: TimmFamily = {
  matches: (has) => has('conv_stem.weight') && has('conv_head.bias'),
  rename: (name, has) => {
    const tensor = blockTensor(name);
    if (!tensor) {
      return replaced(name, [
        ['conv_stem.', 'features.0.0.'],
        ['bn1.', 'features.0.1.'],
        ['conv_head.', 'classifier.0.'],
        ['classifier.', 'classifier.3.'],
      ]);
    }
    const path = `features.${blocksBefore(tensor.stage, has) + tensor.block + 1}`;
    // The last one is no block but a convolution and its norm.
    if (has(`blocks.${tensor.stage}.${tensor.block}.conv.weight`)) {
      const layer = replaced(tensor.inner, [
        ['conv.', '0.'],
        ['bn1.', '1.'],
      ]);
      return `${path}.${layer}`;
    }
    const place = placeOf(tensor, has);
    return place ? `${path}.block.${place.layer}.${place.part}.${place.kind}` : name;
  },
  reshape: (shape, name) => (name.startsWith('classifier.') ? asLinear(shape) : shape),
  shift: (name) => (name.endsWith('.running_var') ? MOBILENET_V3_SHIFT : 0),
};

/** All whose names differ. ResNets and DenseNets have the same in both libraries. */
export const timmFamilies: readonly TimmFamily[] = [
  vgg,
  regnet,
  convnext,
  efficientnet,
  mobilenetV2,
  mobilenetV3,
];
