import { expect, it } from 'vitest';
import { models } from './index.ts';
import { nearestNames } from './nearest_names.ts';

it.each([
  ['resnet5', ['resnet50', 'resnet50_v1', 'fcn_resnet50']],
  ['ResNet-50', ['resnet50', 'resnet50_v1', 'fcn_resnet50']],
  ['resnet35', ['resnet34', 'resnet18', 'resnet50']],
  ['lenett', ['lenet']],
  ['lent', ['lenet']],
  ['mobilenet', ['mobilenet_v2', 'mobilenet_v3_small', 'mobilenet_v3_large']],
  ['efficientnet-b9', ['efficientnet_b0', 'efficientnet_b1', 'efficientnet_b2']],
  ['deeplab', ['deeplabv3_resnet50', 'deeplabv3_resnet101', 'deeplabv3_mobilenet_v3_large']],
  ['fcn', ['fcn_resnet50', 'fcn_resnet101']],
  ['yolov8n', []],
  ['vit_b_16', []],
  ['', []],
  ['__proto__', []],
])('of %j are %j', (name, expected) => {
  expect(nearestNames(name, models.keys())).toEqual(expected);
});
