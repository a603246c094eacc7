/** What pictures of a kind need before a model sees them, and what its classes are called. */
import type { ImageDomain, ModelDef } from '../models/model.ts';
import { given, ownValue } from '../runtime/arguments.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import { digitLabels } from './digit_labels.ts';
import { imagenetLabels } from './imagenet_labels.ts';
import { digitsPreprocessing, imagenetPreprocessing, type Preprocessing } from './preprocessing.ts';

/** How the pictures of a model are prepared, and what its classes are called. */
export interface Domain {
  /** For images of the size that the field uses; see `forInputSize`. */
  readonly preprocessing: Preprocessing;
  /** Names of the classes in index order. */
  readonly labels: readonly string[];
}

const DOMAINS: Readonly<Record<Exclude<ImageDomain, 'voc' | 'masks'>, Domain>> = {
  digits: { preprocessing: digitsPreprocessing, labels: digitLabels },
  imagenet: { preprocessing: imagenetPreprocessing, labels: imagenetLabels },
};

/**
 * The domain of a model that classifies pictures.
 *
 * @param model - One that classifies pictures.
 * @throws UnsupportedError for one that segments them.
 *
 * @example
 * const { preprocessing, labels } = domainOf(lenet);
 */
export function domainOf(model: ModelDef): Domain {
  if (model?.domain === 'voc' || model?.domain === 'masks') {
    const remedy = model.domain === 'voc' ? 'use a Segmenter' : 'run it by createSession';
    throw new UnsupportedError(
      `model "${model.name}" does not classify pictures: it says what is in each pixel; ${remedy}`,
    );
  }
  const domain = ownValue<Domain>(DOMAINS, model?.domain);
  if (!domain) {
    throw new UnsupportedError(
      `expected a model of digits or of ImageNet's classes, as findModel gives, got ${given(model?.domain)} in ${given(model)}`,
    );
  }
  const { preprocessing, labels } = domain;
  // A model from a file may have other classes than its domain.
  const numbered = () => Array.from({ length: model.classes }, (_, i) => `${i}`);
  return { preprocessing, labels: labels.length === model.classes ? labels : numbered() };
}
