/** Whole plans of models, as GPUs of each maker would get them, are valid WGSL. What they compute, other tests tell. */
import { expect, it } from 'vitest';
import { buildModel, findModel, planFor } from '../src/index.ts';
import { ANY_GPU } from '../src/runtime/device_profile.ts';
import { useDevice } from './fixtures/device.ts';
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

const VENDORS = ['', 'amd', 'apple', 'arm', 'intel', 'nvidia', 'qualcomm'];

const device = useDevice();

it.each(VENDORS.flatMap((vendor) => MODELS.map((model) => [vendor, model] as const)))(
  'on a GPU by %j, %s',
  async (vendor, model) => {
    const profile = { ...ANY_GPU, vendor };
    const { dispatches } = planFor({ profile }, buildModel(findModel(model)));
    expect(
      await faultsOf(
        device(),
        dispatches.map(({ source }) => source),
      ),
    ).toEqual([]);
  },
);
