/** The registry of models. */
import { UnsupportedError } from '../runtime/errors.ts';
import { alexnetModel } from './alexnet.ts';
import { convnextModels } from './convnext.ts';
import { deeplabV3Models } from './deeplab_v3.ts';
import { densenetModels } from './densenet.ts';
import { efficientnetModels } from './efficientnet.ts';
import { fcnModels } from './fcn.ts';
import { googlenetModel } from './googlenet.ts';
import { inceptionV3Model } from './inception_v3.ts';
import { lenetModel } from './lenet.ts';
import { lrasppModel } from './lraspp.ts';
import { mnasnetModels } from './mnasnet.ts';
import { mobilenetV2Model } from './mobilenet_v2.ts';
import { mobilenetV3Models } from './mobilenet_v3.ts';
import type { ModelDef } from './model.ts';
import { nearestNames } from './nearest_names.ts';
import { regnetXModels, regnetYModels } from './regnet.ts';
import { resnetModels } from './resnets.ts';
import { shufflenetV2Models } from './shufflenet_v2.ts';
import { squeezenetModels } from './squeezenet.ts';
import { unetModel } from './unet.ts';
import { vggModels } from './vgg.ts';

/** Models that differ in size, or in little else. */
export interface ModelFamily {
  /** As README.md's table has it. */
  readonly name: string;
  /** Its models. */
  readonly models: readonly ModelDef[];
}

/**
 * Every model: first those that say what is in a picture, then those that say what is in each pixel.
 *
 * @example
 * for (const { name, models } of modelFamilies) console.log(name, models.map((model) => model.name));
 */
export const modelFamilies: readonly ModelFamily[] = [
  { name: 'LeNet', models: [lenetModel] },
  { name: 'AlexNet', models: [alexnetModel] },
  { name: 'VGG', models: vggModels },
  { name: 'GoogLeNet', models: [googlenetModel] },
  { name: 'Inception', models: [inceptionV3Model] },
  { name: 'ResNet', models: resnetModels },
  { name: 'RegNet', models: [...regnetXModels, ...regnetYModels] },
  { name: 'DenseNet', models: densenetModels },
  { name: 'ConvNeXt', models: convnextModels },
  { name: 'EfficientNet', models: efficientnetModels },
  { name: 'MobileNet', models: [mobilenetV2Model, ...mobilenetV3Models] },
  { name: 'MnasNet', models: mnasnetModels },
  { name: 'ShuffleNet', models: shufflenetV2Models },
  { name: 'SqueezeNet', models: squeezenetModels },
  { name: 'FCN', models: fcnModels },
  { name: 'DeepLab', models: deeplabV3Models },
  { name: 'LR-ASPP', models: [lrasppModel] },
  { name: 'U-Net', models: [unetModel] },
];

/**
 * Every model, by name.
 *
 * @example
 * const segmenting = [...models.values()].filter(({ domain }) => domain === 'voc');
 */
export const models: ReadonlyMap<string, ModelDef> = new Map(
  modelFamilies.flatMap((family) => family.models.map((model) => [model.name, model] as const)),
);

/**
 * A model by name.
 *
 * @param name - As `models` has it; `resnet50`.
 * @throws UnsupportedError with the names near this one.
 *
 * @example
 * const { summary, size } = findModel('efficientnet_b0');
 */
export function findModel(name: string): ModelDef {
  const model = models.get(name);
  if (model) return model;
  const near = nearestNames(String(name), models.keys());
  const remedy =
    near.length > 0
      ? `did you mean ${near.join(' or ')}? All are in "models"`
      : 'all are in "models", such as resnet50';
  throw new UnsupportedError(`unknown model "${name}"; ${remedy}`);
}
