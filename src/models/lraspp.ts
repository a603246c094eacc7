/**
 * LR-ASPP: the light segmentation head of Howard et al., "Searching for MobileNetV3" (2019). The last map, scaled by a
 * gate from its mean, and a finer map from the middle of the network each vote for the classes.
 */
import { relu, sigmoid } from '../layers/activations.ts';
import { globalAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { add, mul } from '../layers/arithmetic.ts';
import { conv2d } from '../layers/conv2d.ts';
import { resize2d } from '../layers/resize2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { convNorm } from './conv_norm.ts';
import {
  type MobilenetV3Features,
  mobilenetV3Features,
  mobilenetV3LargeLayers,
} from './mobilenet_v3.ts';
import type { ModelDef } from './model.ts';
import { VOC_CLASSES, vocModel } from './voc_model.ts';

const CHANNELS = 128;

/** Adds the head LR-ASPP: feature maps to logits [N, classes, H, W] of the size of the finer one. */
export function lrasppHead(
  g: GraphBuilder,
  { eighth, last }: MobilenetV3Features,
  classes: number,
): Value {
  const y = convNorm(g.at('cbr'), last, { channels: CHANNELS, kernel: 1, activation: relu });
  const s = g.at('scale');
  const mean = globalAveragePool2d(s.at(0), last);
  const gate = conv2d(s.at(1), mean, { channels: CHANNELS, kernel: 1, bias: false });
  const scaled = mul(g.at('mul'), y, sigmoid(s.at(2), gate));
  const fine = resize2d(g.at('upsample'), scaled, { like: eighth });
  const votes = { channels: classes, kernel: 1 };
  return add(
    g.at('add'),
    conv2d(g.at('low_classifier'), eighth, votes),
    conv2d(g.at('high_classifier'), fine, votes),
  );
}

export const lrasppModel: ModelDef = vocModel(
  'lraspp_mobilenet_v3_large',
  'LR-ASPP on a dilated MobileNetV3',
  (g, x) => {
    const features = mobilenetV3Features(g.at('backbone'), x, mobilenetV3LargeLayers, {
      dilated: true,
    });
    const logits = lrasppHead(g.at('classifier'), features, VOC_CLASSES);
    return { logits: resize2d(g.at('upsample'), logits, { like: x }) };
  },
);
