import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../runtime/errors.ts';
import { geometryOf, type Preprocessing } from './preprocessing.ts';
import { preprocessingFrom } from './preprocessing_from.ts';

const IMAGENET = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const HALF = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };
const normalized = { mean: IMAGENET.image_mean, std: IMAGENET.image_std };
const halved = { mean: HALF.image_mean, std: HALF.image_std };

const VIT = {
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  ...HALF,
  image_processor_type: 'ViTImageProcessor',
  resample: 2,
  rescale_factor: 1 / 255,
  size: { height: 224, width: 224 },
};
const CLIP = {
  ...VIT,
  image_processor_type: 'CLIPImageProcessor',
  crop_size: { height: 224, width: 224 },
  do_center_crop: true,
  do_convert_rgb: true,
  resample: 3,
  size: { shortest_edge: 224 },
};
const CONVNEXT = {
  crop_pct: 0.875,
  do_normalize: true,
  do_resize: true,
  ...IMAGENET,
  feature_extractor_type: 'ConvNextFeatureExtractor',
  resample: 3,
  size: 224,
};
const EFFICIENTNET = {
  ...VIT,
  ...IMAGENET,
  image_processor_type: 'EfficientNetImageProcessor',
  do_center_crop: false,
  crop_size: { height: 289, width: 289 },
  include_top: false,
  rescale_offset: false,
  resample: 0,
};
const TIMM = {
  architecture: 'resnet50',
  num_classes: 1000,
  pretrained_cfg: {
    tag: 'a1_in1k',
    input_size: [3, 224, 224],
    interpolation: 'bicubic',
    crop_pct: 0.95,
    crop_mode: 'center',
    ...normalized,
    first_conv: 'conv1',
  },
};

const squashed = {
  ...TIMM.pretrained_cfg,
  input_size: [1, 20, 10],
  crop_mode: 'squash',
  crop_pct: 0.9,
};

const UNDERSTOOD: readonly (readonly [
  what: string,
  json: object,
  expected: Partial<Preprocessing>,
])[] = [
  [
    'ViT: stretched',
    VIT,
    {
      channels: 'rgb',
      layout: 'nchw',
      size: [224, 224],
      fit: { mode: 'stretch' },
      interpolation: 'bilinear',
      rescale: 1 / 255,
      ...halved,
    },
  ],
  [
    'RT-DETR: what is of batches and of training does nothing',
    {
      image_processor_type: 'RTDetrImageProcessor',
      ...{ do_convert_annotations: true, format: 'coco_detection', do_pad: true, pad_size: null },
      ...{ do_resize: true, size: { height: 640, width: 640 }, resample: 2 },
      ...{ do_rescale: true, rescale_factor: 1 / 255, do_normalize: false },
    },
    { size: [640, 640], fit: { mode: 'stretch' }, mean: [0, 0, 0], std: [1, 1, 1] },
  ],
  [
    'an old ViT: a number is a square',
    {
      ...HALF,
      feature_extractor_type: 'ViTFeatureExtractor',
      do_resize: true,
      resample: 2,
      size: 384,
    },
    { size: [384, 384], fit: { mode: 'stretch' }, rescale: 1 / 255 },
  ],
  [
    'CLIP: the shorter side, and the middle',
    CLIP,
    { size: [224, 224], fit: { mode: 'shorter-side', length: 224 }, interpolation: 'bicubic' },
  ],
  [
    'an old CLIP: a number is the shorter side',
    { ...CLIP, size: 256, crop_size: 224 },
    { size: [224, 224], fit: { mode: 'shorter-side', length: 256 } },
  ],
  [
    'DeiT: stretched to more than is cropped',
    {
      ...VIT,
      do_center_crop: true,
      crop_size: { height: 224, width: 200 },
      size: { height: 256, width: 250 },
    },
    { size: [224, 200], fit: { mode: 'stretch', size: [256, 250] } },
  ],
  [
    'ConvNeXt: a share of the picture',
    CONVNEXT,
    { size: [224, 224], fit: { mode: 'shorter-side', length: 256 }, ...normalized },
  ],
  [
    'ConvNeXt: the share rounded down',
    { ...CONVNEXT, size: { shortest_edge: 288 }, crop_pct: 0.95 },
    { size: [288, 288], fit: { mode: 'shorter-side', length: 303 } },
  ],
  [
    'ConvNeXt from 384 on: stretched',
    { ...CONVNEXT, size: { shortest_edge: 384 }, crop_size: 224 },
    { size: [384, 384], fit: { mode: 'stretch' } },
  ],
  [
    'MobileViT: blue first, not normalised',
    {
      ...CLIP,
      image_processor_type: 'MobileViTImageProcessor',
      do_flip_channel_order: true,
      do_normalize: null,
      do_reduce_labels: false,
    },
    { channels: 'bgr', mean: [0.5, 0.5, 0.5] },
  ],
  [
    'values as they are',
    { ...VIT, do_rescale: false, do_normalize: false },
    { rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
  ],
  [
    'a mean for all channels',
    { ...VIT, image_mean: 0, image_std: 0.25 },
    { mean: [0, 0, 0], std: [0.25, 0.25, 0.25] },
  ],
  [
    'one channel',
    { ...VIT, image_mean: [0.1], image_std: [0.3] },
    { channels: 'grey', mean: [0.1], std: [0.3] },
  ],
  ['channels last', { ...VIT, data_format: 'channels_last' }, { layout: 'nhwc' }],
  [
    'EfficientNet',
    EFFICIENTNET,
    { interpolation: 'nearest', fit: { mode: 'stretch' }, ...normalized },
  ],
  [
    "EfficientNet's classifiers: (v / 255 - mean) / std / std",
    { ...EFFICIENTNET, include_top: true },
    { mean: normalized.mean, std: [0.229 ** 2, 0.224 ** 2, 0.225 ** 2] },
  ],
  [
    'EfficientNet with an offset: (v / 127.5 - 1 - mean) / std',
    { ...EFFICIENTNET, ...HALF, rescale_factor: 1 / 127.5, rescale_offset: true },
    { rescale: 1 / 127.5, mean: [1.5, 1.5, 1.5], std: halved.std },
  ],
  [
    'timm',
    TIMM,
    {
      channels: 'rgb',
      size: [224, 224],
      fit: { mode: 'shorter-side', length: 235 },
      interpolation: 'bicubic',
      ...normalized,
    },
  ],
  [
    "timm's squash",
    { ...squashed, mean: [0.5], std: [0.25] },
    { channels: 'grey', size: [20, 10], fit: { mode: 'stretch', size: [22, 11] } },
  ],
];

const REFUSED: readonly (readonly [message: string, json: object])[] = [
  [
    'size must be { height, width }, { shortest_edge } or a number, of 1 to 16384 pixels, got {"longest_edge":800}',
    { ...VIT, size: { longest_edge: 800 } },
  ],
  [
    'size must be { height, width }, { shortest_edge } or a number, of 1 to 16384 pixels, got {"shortest_edge":800,"longest_edge":1333}',
    { ...VIT, size: { shortest_edge: 800, longest_edge: 1333 } },
  ],
  [
    'size must be { height, width }, { shortest_edge } or a number, of 1 to 16384 pixels, got 1000000000',
    { ...VIT, size: 1e9 },
  ],
  [
    'size must be { height, width }, { shortest_edge } or a number, of 1 to 16384 pixels, got undefined',
    { ...VIT, size: null },
  ],
  [
    'size must be { height, width } where nothing is cropped (do_center_crop), got {"shortest_edge":224}',
    { ...CLIP, do_center_crop: false },
  ],
  [
    'size must be { height, width } or { shortest_edge } where there is no image_processor_type, got 224',
    { ...HALF, resample: 2, size: 224 },
  ],
  [
    'crop_size must be { height, width }, got {"shortest_edge":8}',
    { ...CLIP, crop_size: { shortest_edge: 8 } },
  ],
  ['do_resize must be true: pictures come in every size, got false', { ...VIT, do_resize: false }],
  ['do_resize must be true or false, got yes', { ...VIT, do_resize: 'yes' }],
  [
    'resample must be one of 0 (nearest), 1 (lanczos), 2 (bilinear), 3 (bicubic), 4 (box), 5 (hamming), got 6',
    { ...VIT, resample: 6 },
  ],
  [
    'image_mean must be a number, or one for each of 1 or 3 channels, got [1,2]',
    { ...VIT, image_mean: [1, 2] },
  ],
  [
    'image_mean must be a number, or one for each of 1 or 3 channels, got undefined',
    { ...VIT, image_mean: null },
  ],
  ['image_std must be positive numbers, got [1,0,1]', { ...VIT, image_std: [1, 0, 1] }],
  ['image_std must be 3 numbers, as image_mean, got [1]', { ...VIT, image_std: [1] }],
  ['rescale_factor must be a positive number, got 0', { ...VIT, rescale_factor: 0 }],
  [
    'rescale_factor must be 1 / 127.5 where rescale_offset is true, got 0.00392156862745098',
    { ...EFFICIENTNET, rescale_offset: true },
  ],
  [
    'crop_pct must be left to ConvNextImageProcessor, whose it is, got 0.9',
    { ...VIT, crop_pct: 0.9 },
  ],
  ['crop_pct must be at most 1, got 2', { ...CONVNEXT, crop_pct: 2 }],
  ['crop_pct must be a share of a picture, got 1e-9', { ...CONVNEXT, crop_pct: 1e-9 }],
  [
    'data_format must be one of channels_first, channels_last, got none',
    { ...VIT, data_format: 'none' },
  ],
  [
    '"do_pad": true is not understood; give a Preprocessing of your own that does the same',
    { ...VIT, do_pad: true },
  ],
  [
    'the sizes of LevitImageProcessor are not understood; give a Preprocessing of your own that does the same',
    { ...CLIP, image_processor_type: 'LevitImageProcessor' },
  ],
  [
    'pretrained_cfg: crop_mode must be center or squash, got border',
    { pretrained_cfg: { ...TIMM.pretrained_cfg, crop_mode: 'border' } },
  ],
  [
    'pretrained_cfg: input_size must be a square, where crop_mode is center, got [3,224,192]',
    { pretrained_cfg: { ...TIMM.pretrained_cfg, input_size: [3, 224, 192] } },
  ],
  ['pretrained_cfg must be an object, got 5', { pretrained_cfg: 5 }],
  [
    'interpolation must be one of nearest, lanczos, bilinear, bicubic, box, hamming, got random',
    { ...TIMM.pretrained_cfg, interpolation: 'random' },
  ],
];

describe('preprocessingFrom', () => {
  it.each(UNDERSTOOD)('reads %s', (_, json, expected) => {
    const changed = { ...json, ...(expected.channels === 'bgr' && { do_normalize: true }) };
    // As it comes out of a file.
    expect(preprocessingFrom(JSON.parse(JSON.stringify(changed)))).toMatchObject(expected);
  });

  it.each(REFUSED)('refuses, saying: %s', (message, json) => {
    const read = () => preprocessingFrom(JSON.parse(JSON.stringify(json)), 'p.json');
    expect(read).toThrow(new UnsupportedError(`preprocessing file "p.json": ${message}`));
  });

  it('places crops as transformers does where the rest is even', () => {
    // get_resize_output_image_size: int(224 * 640 / 480) = 298; center_crop: (298 - 224) // 2 = 37.
    const { resized, crop } = geometryOf(preprocessingFrom(CLIP), { width: 640, height: 480 });
    expect(resized).toEqual({ width: 298, height: 224 });
    expect(crop).toEqual({ left: 37, top: 0, width: 224, height: 224 });
  });

  it('never takes what all objects inherit for a field', () => {
    const inherited: object = Object.create(VIT);
    expect(() => preprocessingFrom(inherited)).toThrow(/size must be/);
  });

  it.each([
    ['image_mean', '[', ']'],
    ['size', '{"height":', '}'],
    ['unknown', '[{"a":', '}]'],
  ])('refuses %s that is deeper than a stack', (field, opening, closing) => {
    const deep = JSON.parse(opening.repeat(100_000) + 1 + closing.repeat(100_000));
    const reading = (): unknown => preprocessingFrom({ ...VIT, [field]: deep });
    expect(reading).toThrow(UnsupportedError);
    expect(reading).toThrow(field);
  });

  it('shows little of what is long', () => {
    const long = { ...VIT, size: Array.from({ length: 10_000 }, (_, i) => i) };
    expect(() => preprocessingFrom(long)).toThrow(/^.{1,280}$/);
    const text = { pretrained_cfg: 'x'.repeat(10_000) };
    expect(() => preprocessingFrom(text)).toThrow(/^.{1,280}$/);
  });
});
