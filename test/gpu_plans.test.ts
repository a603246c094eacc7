/** Whole plans of models, as GPUs of each maker would get them, are valid WGSL. What they compute, other tests tell. */
import { describe, expect, it } from 'vitest';
import { buildModel, findModel, planFor } from '../src/index.ts';
import { ANY_GPU } from '../src/runtime/device_profile.ts';
import { useDevice } from './fixtures/device.ts';
import { GPU_VENDORS } from './fixtures/profiles.ts';
import { faultsOf } from './fixtures/valid_wgsl.ts';

/** Between them: windows and strides of all kinds, groups, few and many channels, means, and maps of odd sizes. */
const MODELS = [
  'lenet',
  'alexnet',
  'resnet50',
  'resnext50_32x4d',
  'squeezenet1_1',
  'densenet121',
  'inception_v3',
  'mobilenet_v2',
  'mobilenet_v3_large',
  'efficientnet_b0',
  'shufflenet_v2_x1_0',
  'regnet_y_400mf',
  'convnext_tiny',
  'lraspp_mobilenet_v3_large',
];

const PRECISIONS = ['f32', 'f16'] as const;

const device = useDevice();

describe.each(PRECISIONS)('in %s', (precision) => {
  it.each(GPU_VENDORS.flatMap((vendor) => MODELS.map((model) => [vendor, model] as const)))(
    'on a GPU by %j, %s',
    async (vendor, model) => {
      if (precision === 'f16' && !device().profile.shaderF16) {
        console.log(`skipped: "${device().adapter.name}" lacks shader-f16`);
        return;
      }
      const profile = { ...ANY_GPU, vendor };
      const { dispatches } = planFor({ profile }, buildModel(findModel(model)), { precision });
      const sources = dispatches.map(({ source }) => source);
      expect(await faultsOf(device(), sources)).toEqual([]);
    },
  );
});
