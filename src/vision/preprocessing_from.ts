/** How models that others published want their pictures: read from the files beside them. */
import { checkArgument, isObject } from '../runtime/arguments.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import {
  checkPreprocessing,
  type Fit,
  type Interpolation,
  type Preprocessing,
} from './preprocessing.ts';

/** Pixels of a side; no network sees more. */
const MOST_PIXELS = 2 ** 14;

/** The codes of `PIL.Image.Resampling`. */
const RESAMPLING: readonly Interpolation[] = [
  'nearest',
  'lanczos',
  'bilinear',
  'bicubic',
  'box',
  'hamming',
];

/**
 * Reads what a `preprocessor_config.json` of Hugging Face's transformers says, or a timm model's `config.json`. Nothing
 * is guessed: what is not understood is refused, so that no model sees pictures that it was not trained on. Offsets of
 * crops are rounded as torchvision does; transformers' slow processors round them down, a pixel elsewhere at most.
 *
 * @param json - The parsed file.
 * @param name - What messages call it.
 * @throws UnsupportedError, which names the field, for what is not understood or not what it should be.
 * @throws TilewiseError for what is no object.
 *
 * @example
 * const file = `{ "size": { "height": 28, "width": 28 }, "resample": 3, "image_mean": [0.5], "image_std": [0.5] }`;
 * const preprocessing = preprocessingFrom(JSON.parse(file));
 * using classifier = await Classifier.create(device, lenet, { weights, preprocessing });
 */
export function preprocessingFrom(json: unknown, name = 'preprocessor_config.json'): Preprocessing {
  checkArgument(typeof name === 'string', 'preprocessingFrom: name', 'a string', name);
  checkArgument(isObject(json), `preprocessingFrom: json of ${name}`, 'a parsed JSON object', json);
  const who = `preprocessing file "${name}"`;
  const fields = new Fields(who, json);
  const nested = fields.optional('pretrained_cfg');
  const preprocessing =
    nested !== undefined
      ? ofTimm(new Fields(`${who}: pretrained_cfg`, nested))
      : fields.optional('input_size') !== undefined
        ? ofTimm(fields)
        : ofTransformers(fields);
  checkPreprocessing(preprocessing);
  return preprocessing;
}

/** Fields of a file that may hold anything; null is as good as nothing. */
class Fields {
  readonly who: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(who: string, values: unknown) {
    checkArgument(isObject(values), who, 'an object', shown(values), UnsupportedError);
    this.who = who;
    this.#values = Object(values);
  }

  get names(): readonly string[] {
    return Object.keys(this.#values);
  }

  optional(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }

  flag(name: string, byDefault: boolean): boolean {
    const value = this.optional(name) ?? byDefault;
    this.check(typeof value === 'boolean', name, 'true or false', value);
    return value;
  }

  text(name: string, byDefault: string): string {
    const value = this.optional(name) ?? byDefault;
    this.check(typeof value === 'string', name, 'a string', value);
    return value;
  }

  positive(name: string, byDefault: number): number {
    const value = this.optional(name) ?? byDefault;
    const fits = typeof value === 'number' && value > 0 && Number.isFinite(value);
    this.check(fits, name, 'a positive number', value);
    return value;
  }

  /** A number for each channel; one may stand for all. */
  perChannel(name: string): readonly number[] {
    const value = this.optional(name);
    const values: readonly unknown[] = Array.isArray(value) ? value : [value, value, value];
    const fits = [1, 3].includes(values.length) && values.every((one) => Number.isFinite(one));
    this.check(fits, name, 'a number, or one for each of 1 or 3 channels', value);
    return values.map(Number);
  }

  check(fits: unknown, name: string, expected: string, value: unknown): asserts fits {
    checkArgument(fits, `${this.who}: ${name}`, expected, shown(value), UnsupportedError);
  }
}

/** A value as messages show it: short, however large or deep it is. */
function shown(value: unknown): string {
  let isInner = false;
  const shallow = (_: string, part: unknown): unknown => {
    if (isObject(part) && isInner) return '...';
    isInner = true;
    return typeof part === 'bigint' ? `${part}` : part;
  };
  const text = isObject(value) ? JSON.stringify(value, shallow) : value;
  return String(text).slice(0, 80);
}

function isSide(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MOST_PIXELS;
}

/** What transformers knows of sizes: `{ height, width }`, or the shorter side alone. */
type Size = { readonly exact: readonly [number, number] } | { readonly shorter: number };

/** Those that understand a size of one number as the shorter side; for all others it is a square. */
const BY_SHORTER_SIDE: readonly string[] = [
  'Bit',
  'CLIP',
  'ChineseCLIP',
  'ConvNext',
  'MobileNetV1',
  'MobileNetV2',
  'MobileViT',
];

/** Those whose sizes mean something else than everywhere else. */
const OTHER_SIZES: readonly string[] = ['Levit', 'PoolFormer', 'Perceiver'];

/** Those that find things. */
const DETECTORS: readonly string[] = [
  'ConditionalDetr',
  'DeformableDetr',
  'Detr',
  'RTDetr',
  'Yolos',
];

/** What changes nothing for one picture: filling up to the largest of a batch, and marks for training. */
const IGNORED_BY_DETECTORS: readonly string[] = ['do_convert_annotations', 'do_pad', 'format'];

/** What changes nothing here: names, and how results are handed over in Python. */
const IGNORED: readonly string[] = [
  '_valid_processor_keys',
  'auto_map',
  'device',
  'do_convert_rgb',
  'do_reduce_labels',
  'feature_extractor_type',
  'image_processor_type',
  'input_data_format',
  'processor_class',
  'reduce_labels',
  'return_tensors',
];

const UNDERSTOOD: readonly string[] = [
  'crop_pct',
  'crop_size',
  'data_format',
  'default_to_square',
  'do_center_crop',
  'do_flip_channel_order',
  'do_normalize',
  'do_rescale',
  'do_resize',
  'image_mean',
  'image_std',
  'include_top',
  'resample',
  'rescale_factor',
  'rescale_offset',
  'size',
];

function ofTransformers(fields: Fields): Preprocessing {
  const type = fields.text('image_processor_type', fields.text('feature_extractor_type', ''));
  const family = type.replace(/(ImageProcessor(Fast)?|FeatureExtractor)$/, '');
  checkUnderstood(fields, family);
  const { size, fit } = geometryFields(fields, family);
  const resample = fields.optional('resample');
  const interpolation = RESAMPLING[Number.isSafeInteger(resample) ? Number(resample) : -1];
  const codes = RESAMPLING.map((filter, code) => `${code} (${filter})`).join(', ');
  fields.check(interpolation, 'resample', `one of ${codes}`, resample);
  const format = fields.text('data_format', 'channels_first');
  const formats = ['channels_first', 'channels_last'];
  fields.check(formats.includes(format), 'data_format', `one of ${formats.join(', ')}`, format);
  const { rescale, mean, std } = valueFields(fields, family);
  const colours = fields.flag('do_flip_channel_order', false) ? 'bgr' : 'rgb';
  return {
    channels: mean.length === 1 ? 'grey' : colours,
    size,
    fit,
    interpolation,
    rescale,
    mean,
    std,
    layout: format === 'channels_last' ? 'nhwc' : 'nchw',
  };
}

function checkUnderstood(fields: Fields, family: string): void {
  const ignored = DETECTORS.includes(family) ? IGNORED_BY_DETECTORS : [];
  const known = [...UNDERSTOOD, ...IGNORED, ...ignored];
  for (const name of fields.names) {
    const value = fields.optional(name);
    if (value === undefined || value === false || known.includes(name)) continue;
    throw new UnsupportedError(
      `${fields.who}: "${name}": ${shown(value)} is not understood; give a Preprocessing of your own that does the same`,
    );
  }
  if (!OTHER_SIZES.includes(family)) return;
  throw new UnsupportedError(
    `${fields.who}: the sizes of ${family}ImageProcessor are not understood; give a Preprocessing of your own that does the same`,
  );
}

function geometryFields(fields: Fields, family: string): Pick<Preprocessing, 'size' | 'fit'> {
  const resizes = fields.flag('do_resize', true);
  fields.check(resizes, 'do_resize', 'true: pictures come in every size', resizes);
  const size = sizeField(fields, 'size', family, BY_SHORTER_SIDE.includes(family));
  if (family === 'ConvNext') return ofConvNext(fields, size);
  const share = fields.optional('crop_pct');
  fields.check(
    share === undefined,
    'crop_pct',
    'left to ConvNextImageProcessor, whose it is',
    share,
  );
  if (!fields.flag('do_center_crop', false)) {
    const expected = '{ height, width } where nothing is cropped (do_center_crop)';
    fields.check('exact' in size, 'size', expected, fields.optional('size'));
    return { size: size.exact, fit: { mode: 'stretch' } };
  }
  const crop = sizeField(fields, 'crop_size', family, false);
  fields.check('exact' in crop, 'crop_size', '{ height, width }', fields.optional('crop_size'));
  const fit: Fit =
    'exact' in size
      ? { mode: 'stretch', size: size.exact }
      : { mode: 'shorter-side', length: size.shorter };
  return { size: crop.exact, fit };
}

/** Below 384 pixels, a share of a larger picture, from its middle; from there on, all of it, stretched. */
function ofConvNext(fields: Fields, size: Size): Pick<Preprocessing, 'size' | 'fit'> {
  fields.check('shorter' in size, 'size', '{ shortest_edge }', fields.optional('size'));
  const { shorter } = size;
  const share = fields.positive('crop_pct', 224 / 256);
  fields.check(share <= 1, 'crop_pct', 'at most 1', share);
  const length = Math.floor(shorter / share);
  fields.check(isSide(length), 'crop_pct', 'a share of a picture', share);
  const fit: Fit = shorter < 384 ? { mode: 'shorter-side', length } : { mode: 'stretch' };
  return { size: [shorter, shorter], fit };
}

function sizeField(fields: Fields, name: string, family: string, shorterSide: boolean): Size {
  const value = fields.optional(name);
  if (isSide(value)) {
    const square = fields.optional('default_to_square');
    const known = family !== '' || name === 'crop_size' || square !== undefined;
    const expected =
      '{ height, width } or { shortest_edge } where there is no image_processor_type';
    fields.check(known, name, expected, value);
    const isShorter = name === 'size' && (square === undefined ? shorterSide : square === false);
    return isShorter ? { shorter: value } : { exact: [value, value] };
  }
  const sides = isObject(value) ? Object.entries(Object(value)) : [];
  const { height, width, shortest_edge: shorter } = Object.fromEntries(sides);
  if (sides.length === 2 && isSide(height) && isSide(width)) return { exact: [height, width] };
  const expected = `{ height, width }, { shortest_edge } or a number, of 1 to ${MOST_PIXELS} pixels`;
  fields.check(sides.length === 1 && isSide(shorter), name, expected, value);
  return { shorter };
}

function valueFields(
  fields: Fields,
  family: string,
): Required<Pick<Preprocessing, 'rescale' | 'mean' | 'std'>> {
  const rescale = fields.flag('do_rescale', true) ? fields.positive('rescale_factor', 1 / 255) : 1;
  const normalizes = fields.flag('do_normalize', true);
  const mean = normalizes ? fields.perChannel('image_mean') : [0, 0, 0];
  const std = normalizes ? fields.perChannel('image_std') : [1, 1, 1];
  fields.check(
    mean.length === std.length,
    'image_std',
    `${mean.length} numbers, as image_mean`,
    std,
  );
  const positive = std.every((deviation) => deviation > 0);
  fields.check(positive, 'image_std', 'positive numbers', std);
  // Releases of transformers differ in what they subtract, but for this factor.
  const offset = fields.flag('rescale_offset', false);
  const agreed = !offset || Math.abs(127.5 * rescale - 1) < 1e-6;
  fields.check(agreed, 'rescale_factor', '1 / 127.5 where rescale_offset is true', rescale);
  // EfficientNet's classifiers divide twice.
  const twice = fields.flag('include_top', family === 'EfficientNet');
  return {
    rescale,
    mean: mean.map((value) => value + (offset ? 1 : 0)),
    std: twice ? std.map((value) => value ** 2) : std,
  };
}

/** As timm's `create_transform` evaluates. */
function ofTimm(fields: Fields): Preprocessing {
  const input = fields.optional('input_size');
  const [channels, height, width]: readonly unknown[] = Array.isArray(input) ? input : [];
  const sound = (channels === 1 || channels === 3) && isSide(height) && isSide(width);
  const expected = `[channels, height, width], of 1 or 3 channels and of 1 to ${MOST_PIXELS} pixels`;
  fields.check(sound, 'input_size', expected, input);
  const share = fields.positive('crop_pct', 0.875);
  fields.check(share <= 1, 'crop_pct', 'at most 1', share);
  const [grownHeight, grownWidth] = [Math.floor(height / share), Math.floor(width / share)];
  const grown = isSide(grownHeight) && isSide(grownWidth);
  fields.check(grown, 'crop_pct', 'a share of a picture', share);
  const mode = fields.text('crop_mode', 'center');
  fields.check(['center', 'squash'].includes(mode), 'crop_mode', 'center or squash', mode);
  const square = mode === 'squash' || height === width;
  fields.check(square, 'input_size', 'a square, where crop_mode is center', input);
  const name = fields.text('interpolation', 'bilinear');
  const interpolation = RESAMPLING.find((filter) => filter === name);
  fields.check(interpolation, 'interpolation', `one of ${RESAMPLING.join(', ')}`, name);
  return {
    channels: channels === 1 ? 'grey' : 'rgb',
    size: [height, width],
    fit:
      mode === 'squash'
        ? { mode: 'stretch', size: [grownHeight, grownWidth] }
        : { mode: 'shorter-side', length: grownHeight },
    interpolation,
    rescale: 1 / 255,
    mean: fields.perChannel('mean'),
    std: fields.perChannel('std'),
    layout: 'nchw',
  };
}
