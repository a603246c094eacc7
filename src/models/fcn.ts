/**
 * Fully convolutional network: Long, Shelhamer and Darrell, "Fully convolutional networks for semantic
 * segmentation" (2015), as torchvision has it: a ResNet dilated to an output stride of 8, a head of two
 * convolutions, and bilinear upsampling to the size of the image.
 *
 *     3xHxW -> ResNet -> 2048x(H/8)x(W/8) -> conv 3 -> 512 -> conv 1 -> classes -> resize -> classes x H x W
 */

import { resize2d } from '../layers/resize2d.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { fcnHead } from './fcn_head.ts';
import type { ModelDef } from './model.ts';
import {
  type ResnetFeatures,
  type ResnetSections,
  resnet50Sections,
  resnet101Sections,
  resnetFeatures,
} from './resnet.ts';
import { VOC_CLASSES, vocModel } from './voc_model.ts';

/**
 * Adds an FCN on a ResNet of these sections: images [N, 3, H, W] to logits [N, classes, H, W]. `aux`, by a head that
 * helps the training, is of its third section.
 */
export function fcn(
  g: GraphBuilder,
  x: Value,
  sections: ResnetSections,
  classes: number,
): ResnetFeatures & { readonly logits: Value; readonly aux: Value } {
  const features = resnetFeatures(g.at('backbone'), x, { ...sections, outputStride: 8 });
  const logits = fcnHead(g.at('classifier'), features.layer4, classes);
  const aux = fcnHead(g.at('aux_classifier'), features.layer3, classes);
  return {
    ...features,
    logits: resize2d(g.at('upsample'), logits, { like: x }),
    aux: resize2d(g.at('aux_upsample'), aux, { like: x }),
  };
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
