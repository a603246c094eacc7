/** Which models the hub has trained weights for. */
import { type HubReference, parseHubReference } from './reference.ts';

/** torchvision's first ImageNet weights, as timm has put them on the hub. */
const TORCHVISION: ReadonlySet<string> = new Set([
  ...['resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152'],
  ...['resnext50_32x4d', 'wide_resnet50_2'],
  ...['vgg11', 'vgg13', 'vgg16', 'vgg19'].flatMap((name) => [name, `${name}_bn`]),
  ...['densenet121', 'densenet161', 'densenet169', 'densenet201'],
]);

/** Others that timm has put there, under its own names: torchvision's, the authors' and timm's own. */
const TIMM: ReadonlyMap<string, string> = new Map([
  ['regnet_x_400mf', 'regnetx_004_tv.tv2_in1k'],
  ['regnet_x_800mf', 'regnetx_008.tv2_in1k'],
  ['regnet_x_1_6gf', 'regnetx_016.tv2_in1k'],
  ['regnet_x_3_2gf', 'regnetx_032.tv2_in1k'],
  ['regnet_x_8gf', 'regnetx_080.tv2_in1k'],
  ['regnet_x_16gf', 'regnetx_160.tv2_in1k'],
  ['regnet_x_32gf', 'regnetx_320.tv2_in1k'],
  ['regnet_y_400mf', 'regnety_004.tv2_in1k'],
  ['regnet_y_800mf', 'regnety_008_tv.tv2_in1k'],
  ['regnet_y_1_6gf', 'regnety_016.tv2_in1k'],
  ['regnet_y_3_2gf', 'regnety_032.tv2_in1k'],
  ['regnet_y_8gf', 'regnety_080_tv.tv2_in1k'],
  ['regnet_y_16gf', 'regnety_160.tv2_in1k'],
  ['regnet_y_32gf', 'regnety_320.tv2_in1k'],
  ['convnext_tiny', 'convnext_tiny.fb_in1k'],
  ['convnext_small', 'convnext_small.fb_in1k'],
  ['convnext_base', 'convnext_base.fb_in1k'],
  ['convnext_large', 'convnext_large.fb_in1k'],
  ['efficientnet_b0', 'efficientnet_b0.ra_in1k'],
  ['efficientnet_b1', 'efficientnet_b1.ft_in1k'],
  ['efficientnet_b2', 'efficientnet_b2.ra_in1k'],
  ['efficientnet_b3', 'efficientnet_b3.ra2_in1k'],
  ['efficientnet_b4', 'efficientnet_b4.ra2_in1k'],
  ['mobilenet_v2', 'mobilenetv2_100.ra_in1k'],
  ['mobilenet_v3_small', 'mobilenetv3_small_100.lamb_in1k'],
  ['mobilenet_v3_large', 'mobilenetv3_large_100.ra_in1k'],
]);

/** Where a model's weights are on the hub, if they are. */
export function hubWeightsOf(model: string): HubReference | undefined {
  const name = TORCHVISION.has(model) ? `${model}.tv_in1k` : TIMM.get(model);
  return name === undefined ? undefined : parseHubReference(`hf:timm/${name}`);
}
