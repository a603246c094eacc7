/**
 * Fully convolutional network: Long, Shelhamer and Darrell, "Fully convolutional networks for semantic
 * segmentation" (2015), as torchvision has it: a ResNet-50 dilated to an output stride of 8, a head of two
 * convolutions, and bilinear upsampling to the size of the image.
 *
 *     3xHxW -> ResNet-50 -> 2048x(H/8)x(W/8) -> conv 3 -> 512 -> conv 1 -> classes -> resize -> classes x H x W
 */

import { relu } from '../layers/activations.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { conv2d } from '../layers/conv2d.ts';
import { resize2d } from '../layers/resize2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { ModelDef } from './model.ts';
import { type ResnetFeatures, resnet50Sections, resnetFeatures } from './resnet.ts';

/** Adds an FCN on ResNet-50: images [N, 3, H, W] to logits [N, classes, H, W]. */
export function fcnResnet50(
  g: GraphBuilder,
  x: Value,
  classes: number,
): ResnetFeatures & { readonly logits: Value } {
  const features = resnetFeatures(g.at('backbone'), x, { ...resnet50Sections, outputStride: 8 });
  const head = g.at('classifier');
  let y: Value = conv2d(head.at(0), features.layer4, {
    channels: 512,
    kernel: 3,
    padding: 1,
    bias: false,
  });
  y = batchNorm(head.at(1), y);
  y = relu(head.at(2), y);
  // Dropout, which does nothing at inference, has the number 3.
  y = conv2d(head.at(4), y, { channels: classes, kernel: 1 });
  return { ...features, logits: resize2d(g.at('upsample'), y, { like: x }) };
}

export const fcnResnet50Model: ModelDef = {
  name: 'fcn_resnet50',
  summary: 'FCN on a dilated ResNet-50: what each pixel belongs to, of 21 classes of Pascal VOC',
  domain: 'voc',
  channels: 3,
  size: [520, 520],
  classes: 21,
  build: (g, x) => fcnResnet50(g, x, 21),
};
