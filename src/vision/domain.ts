/** What pictures of a kind need before a model sees them, and what its classes are called. */
import type { ImageDomain, ModelDef } from '../models/model.ts';
import { checkArgument, given, ownValue } from '../runtime/arguments.ts';
import { ShapeError, UnsupportedError } from '../runtime/errors.ts';
import { digitLabels } from './digit_labels.ts';
import { imagenetLabels } from './imagenet_labels.ts';
import {
  channelsOf,
  checkPreprocessing,
  digitsPreprocessing,
  forInputSize,
  imagenetPreprocessing,
  type Preprocessing,
} from './preprocessing.ts';

/** How the pictures of a model are prepared, and what its classes are called. */
export interface Domain {
  /** For images of the size that the field uses; see `forInputSize`. */
  readonly preprocessing: Preprocessing;
  /** Names of the classes in index order. */
  readonly labels: readonly string[];
}

/** What a model of one's own says in place of its domain. */
export interface DomainOptions {
  /** [height, width] of the network's input; that of `preprocessing` by default, else the model's own. */
  readonly size?: readonly [number, number];
  /** Names of the classes in index order; by default those of the model, or of its domain, or numbers. */
  readonly labels?: readonly string[];
  /**
   * How pictures are prepared; what is left out is as the model's domain has it, for most models as for ImageNet. Its
   * `layout` is the model's.
   */
  readonly preprocessing?: Partial<Preprocessing>;
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
    const remedy =
      model.domain === 'voc' ? 'use a Segmenter' : 'use a Detector, or run it by createSession';
    throw new UnsupportedError(
      `model "${model.name}" does not classify pictures: it says what is where; ${remedy}`,
    );
  }
  const domain = ownValue<Domain>(DOMAINS, model?.domain);
  if (!domain) {
    throw new UnsupportedError(
      `expected a model of digits or of ImageNet's classes, as findModel gives, got ${given(model?.domain)} in ${given(model)}`,
    );
  }
  const { preprocessing } = domain;
  const labels = model.labels ?? domain.labels;
  // A model from a file may have other classes than its domain.
  const numbered = () => Array.from({ length: model.classes }, (_, i) => `${i}`);
  return { preprocessing, labels: labels.length === model.classes ? labels : numbered() };
}

/** The domain of a model with these options, for the size that its network then has. Throws what `domainOf` throws. */
export function preparedDomain(
  who: string,
  model: ModelDef,
  { labels: own, ...options }: DomainOptions,
): Domain {
  const { labels } = domainOf(model);
  return {
    preprocessing: preprocessingOf(who, model, options),
    labels: own === undefined ? labels : checkedLabels(who, model, own),
  };
}

/** How pictures are prepared for a model with these options. Throws ShapeError where that does not fit the model. */
export function preprocessingOf(
  who: string,
  model: ModelDef,
  { size, preprocessing: own }: Pick<DomainOptions, 'size' | 'preprocessing'>,
): Preprocessing {
  if (own !== undefined) {
    const isObject = typeof own === 'object' && own !== null;
    checkArgument(isObject, `${who}: options.preprocessing`, 'an object', own);
  }
  const domain = model.domain === 'digits' ? DOMAINS.digits : DOMAINS.imagenet;
  const { size: forSize = size ?? model.size } = own ?? {};
  const base = forInputSize(domain.preprocessing, forSize);
  const whole: Preprocessing = {
    ...base,
    ...(model.normalization && model.channels === 1 && { channels: 'grey' }),
    ...model.normalization,
    ...own,
    layout: 'nchw',
  };
  checkPreprocessing(whole);
  const channels = channelsOf(whole.channels);
  checkArgument(
    channels === model.channels,
    `${who}: options.preprocessing.channels`,
    `${model.channels} channels, which "${model.name}" takes`,
    `${channels} (${whole.channels})`,
    ShapeError,
  );
  return forInputSize(whole, size ?? forSize);
}

/** Throws ShapeError unless there is a name for each class of the model. */
export function checkedLabels(
  who: string,
  { name, classes }: Pick<ModelDef, 'name' | 'classes'>,
  labels: unknown,
): readonly string[] {
  const isList = Array.isArray(labels) && [...labels].every((label) => typeof label === 'string');
  const fits = isList && labels.length === classes;
  const strings = classes === 1 ? 'string' : 'strings';
  const expected = `${classes} ${strings}, one for each class of "${name}"`;
  checkArgument(fits, `${who}: options.labels`, expected, labels, ShapeError);
  return labels;
}
