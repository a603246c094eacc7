/**
 * DeepLabV3: Chen, Papandreou, Schroff and Adam, "Rethinking atrous convolution for semantic image segmentation"
 * (2017). Atrous spatial pyramid pooling (ASPP) looks at a dilated network's last map through convolutions of several
 * dilations side by side, and at its mean.
 */
import { relu } from '../layers/activations.ts';
import { globalAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { concat } from '../layers/concat.ts';
import { conv2d } from '../layers/conv2d.ts';
import { resize2d } from '../layers/resize2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { convNorm, numbered } from './conv_norm.ts';
import { fcnHead } from './fcn_head.ts';
import { mobilenetV3Features, mobilenetV3LargeLayers } from './mobilenet_v3.ts';
import type { ModelDef } from './model.ts';
import {
  type ResnetSections,
  resnet50Sections,
  resnet101Sections,
  resnetFeatures,
} from './resnet.ts';
import { VOC_CLASSES, vocModel } from './voc_model.ts';

const DILATIONS = [12, 24, 36] as const;
const CHANNELS = 256;

/** Adds the head of DeepLabV3: feature maps [N, C, H, W] to logits [N, classes, H, W]. */
export function deeplabV3Head(g: GraphBuilder, x: Value, classes: number): Value {
  let y = pyramid(g.at(0), x);
  y = convNorm(g, y, { channels: CHANNELS, kernel: 3, activation: relu, names: numbered('', 1) });
  return conv2d(g.at(4), y, { channels: classes, kernel: 1 });
}

function pyramid(g: GraphBuilder, x: Value): Value {
  const unit = { channels: CHANNELS, activation: relu };
  const convs = g.at('convs');
  const atrous = DILATIONS.map((dilation, i) =>
    convNorm(convs.at(i + 1), x, { ...unit, kernel: 3, dilation }),
  );
  const last = convs.at(atrous.length + 1);
  const mean = globalAveragePool2d(last.at(0), x);
  const pooled = convNorm(last, mean, { ...unit, kernel: 1, names: numbered('', 1) });
  const parts = [
    convNorm(convs.at(0), x, { ...unit, kernel: 1 }),
    ...atrous,
    resize2d(last.at('upsample'), pooled, { like: x }),
  ];
  return convNorm(g.at('project'), concat(g.at('concat'), parts), { ...unit, kernel: 1 });
}

interface Features {
  readonly last: Value;
  /** What the head reads that helps the training. */
  readonly middle: Value;
}

/** A network whose last map the head reads, and what the head says at the size of the image. */
function deeplabV3Model(
  name: string,
  summary: string,
  features: (g: GraphBuilder, x: Value) => Features,
): ModelDef {
  return vocModel(name, summary, (g, x) => {
    const { last, middle } = features(g.at('backbone'), x);
    const logits = deeplabV3Head(g.at('classifier'), last, VOC_CLASSES);
    const aux = fcnHead(g.at('aux_classifier'), middle, VOC_CLASSES);
    return {
      logits: resize2d(g.at('upsample'), logits, { like: x }),
      aux: resize2d(g.at('aux_upsample'), aux, { like: x }),
    };
  });
}

function onResnet(name: string, sections: ResnetSections): ModelDef {
  const id = name.toLowerCase().replace('-', '');
  return deeplabV3Model(`deeplabv3_${id}`, `DeepLabV3 on a dilated ${name}`, (g, x) => {
    const { layer4, layer3 } = resnetFeatures(g, x, { ...sections, outputStride: 8 });
    return { last: layer4, middle: layer3 };
  });
}

export const deeplabV3Models: readonly ModelDef[] = [
  onResnet('ResNet-50', resnet50Sections),
  onResnet('ResNet-101', resnet101Sections),
  deeplabV3Model('deeplabv3_mobilenet_v3_large', 'DeepLabV3 on a dilated MobileNetV3', (g, x) => {
    const { last, eighth } = mobilenetV3Features(g, x, mobilenetV3LargeLayers, { dilated: true });
    return { last, middle: eighth };
  }),
];
