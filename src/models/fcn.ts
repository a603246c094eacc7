/**
 * Fully convolutional network: Long, Shelhamer and Darrell, "Fully convolutional networks for semantic
 * segmentation" (2015), as torchvision has it: a ResNet dilated to an output stride of 8, a head of two
 * convolutions, and bilinear upsampling to the size of the image.
 *
 *     3xHxW -> ResNet -> 2048x(H/8)x(W/8) -> conv 3 -> 512 -> conv 1 -> classes -> resize -> classes x H x W
 */

import { relu } from '../layers/activations.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { conv2d } from '../layers/conv2d.ts';
import { resize2d } from '../layers/resize2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import type { ModelDef } from './model.ts';
import {
  type ResnetFeatures,
  type ResnetSections,
  resnet50Sections,
  resnet101Sections,
  resnetFeatures,
} from './resnet.ts';
import { VOC_CLASSES, vocModel } from './voc_model.ts';

/** Adds an FCN on a ResNet of these sections: images [N, 3, H, W] to logits [N, classes, H, W]. */
export function fcn(
  g: GraphBuilder,
  x: Value,
  sections: ResnetSections,
  classes: number,
): ResnetFeatures & { readonly logits: Value } {
  const features = resnetFeatures(g.at('backbone'), x, { ...sections, outputStride: 8 });
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

function fcnModel(name: string, backbone: string, sections: ResnetSections): ModelDef {
  return vocModel(name, `FCN on a dilated ${backbone}`, (g, x) => fcn(g, x, sections, VOC_CLASSES));
}

/**
 * Long, Shelhamer and Darrell's network on ResNet-50. A page that imports it holds no other.
 *
 * @example
 * const net = buildModel(fcnResnet50, { size: [256, 256] }); // logits [1, 21, 256, 256]
 */
export const fcnResnet50: ModelDef = fcnModel('fcn_resnet50', 'ResNet-50', resnet50Sections);

export const fcnModels: readonly ModelDef[] = [
  fcnResnet50,
  fcnModel('fcn_resnet101', 'ResNet-101', resnet101Sections),
];
