/** ResNets of every depth, in both placements of the stride, and their relatives. */
import type { ModelDef } from './model.ts';
import { resnet50, resnet50Sections, resnet101Sections, resnetModel } from './resnet.ts';

/** Blocks of the sections, by the number in the name, which counts convolutions and the linear layer. */
const BLOCKS = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: resnet50Sections.blocks,
  101: resnet101Sections.blocks,
  152: [3, 8, 36, 3],
} as const;

const V1_5 = { kind: 'bottleneck', placement: 'v1.5' } as const;
const V1 = { kind: 'bottleneck', placement: 'v1' } as const;
const BASIC = { kind: 'basic', placement: 'v1.5' } as const;
const PAPER = 'stride on the first 1x1 convolutions as in the paper,';

export const resnetModels: readonly ModelDef[] = [
  resnetModel('resnet18', 'ResNet-18', { ...BASIC, blocks: BLOCKS[18] }),
  resnetModel('resnet34', 'ResNet-34', { ...BASIC, blocks: BLOCKS[34] }),
  resnet50,
  resnetModel('resnet50_v1', `ResNet-50, ${PAPER}`, { ...V1, blocks: BLOCKS[50] }),
  resnetModel('resnet101', 'ResNet-101', resnet101Sections),
  resnetModel('resnet101_v1', `ResNet-101, ${PAPER}`, { ...V1, blocks: BLOCKS[101] }),
  resnetModel('resnet152', 'ResNet-152', { ...V1_5, blocks: BLOCKS[152] }),
  resnetModel('resnet152_v1', `ResNet-152, ${PAPER}`, { ...V1, blocks: BLOCKS[152] }),
  resnetModel('wide_resnet50_2', 'wide ResNet-50, 3x3 convolutions of twice the channels,', {
    ...resnet50Sections,
    width: 128,
  }),
  resnetModel('resnext50_32x4d', 'ResNeXt-50, 3x3 convolutions in 32 groups of 4 channels,', {
    ...resnet50Sections,
    groups: 32,
    width: 128,
  }),
];
