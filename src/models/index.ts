/** The registry of models. */
import { UnsupportedError } from '../runtime/errors.ts';
import { lenetModel } from './lenet.ts';
import type { ModelDef } from './model.ts';
import { resnet50Model, resnet50V1Model } from './resnet.ts';

/** Every model, by name. */
export const models: ReadonlyMap<string, ModelDef> = new Map(
  [lenetModel, resnet50Model, resnet50V1Model].map((model) => [model.name, model]),
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
