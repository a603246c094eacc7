/** Which models the hub has trained weights for. */
import { type HubReference, parseHubReference } from './reference.ts';

/** torchvision's first ImageNet weights, as timm has put them on the hub. */
const TIMM: ReadonlySet<string> = new Set([
  ...['resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152'],
  ...['resnext50_32x4d', 'wide_resnet50_2'],
  ...['vgg11', 'vgg13', 'vgg16', 'vgg19'].flatMap((name) => [name, `${name}_bn`]),
]);

/** Where a model's weights are on the hub, if they are. */
export function hubWeightsOf(model: string): HubReference | undefined {
  return TIMM.has(model) ? parseHubReference(`hf:timm/${model}.tv_in1k`) : undefined;
}
