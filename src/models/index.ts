/** The registry of models. */
import { UnsupportedError } from '../runtime/errors.ts';
import { alexnetModel } from './alexnet.ts';
import { fcnResnet50Model } from './fcn.ts';
import { lenetModel } from './lenet.ts';
import type { ModelDef } from './model.ts';
import { resnetModels } from './resnet.ts';
import { vggModels } from './vgg.ts';

const all: readonly ModelDef[] = [
  lenetModel,
  alexnetModel,
  ...vggModels,
  ...resnetModels,
  fcnResnet50Model,
];

/** Every model, by name. */
export const models: ReadonlyMap<string, ModelDef> = new Map(
  all.map((model) => [model.name, model]),
);

/** A model by name. Throws UnsupportedError with the known names. */
export function findModel(name: string): ModelDef {
  const model = models.get(name);
  if (!model) {
    throw new UnsupportedError(
      `unknown model "${name}"; known are ${[...models.keys()].join(', ')}`,
    );
  }
  return model;
}
