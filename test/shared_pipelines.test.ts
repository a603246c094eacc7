/** What differs in sizes only shares a pipeline: each takes 20 to 300 ms to compile before a first run. */
import { expect, it } from 'vitest';
import { ALL_TABLES, parseModels } from '../bench/results/peer_models.ts';
import { parameter } from '../shaders/lib/expression_parameters.ts';
import {
  apply,
  buildModel,
  conv2d,
  findModel,
  functions,
  GraphBuilder,
  planFor,
  pointwise,
  type Value,
} from '../src/index.ts';
import { ANY_GPU } from '../src/runtime/device_profile.ts';
import { GPU_VENDORS, profileOf } from './fixtures/profiles.ts';

const PROFILES = [
  ...GPU_VENDORS.map((vendor) => ({ ...ANY_GPU, vendor })),
  profileOf('llvmpipe'),
  profileOf('swiftshader'),
];

/** Of how many texts a kernel's dispatches may be, and why more than one. */
const MOST: readonly (readonly [kernel: string, model: string, texts: number])[] = [
  // In place or not, by fours or not.
  ['batch_norm', 'densenet121', 4],
  ['average_pool2d', 'densenet121', 1],
  ['max_pool2d', 'inception_v3', 1],
  ['average_pool2d', 'inception_v3', 1],
  // Small and large planes.
  ['global_average_pool2d', 'efficientnet_b0', 2],
  ['adaptive_average_pool2d', 'efficientnet_b0', 1],
  // Products and hard-swish, or SiLU.
  ['pointwise', 'efficientnet_b0', 2],
  ['pointwise', 'mobilenet_v3_large', 2],
];

it.each(MOST)('%s takes few pipelines in %s: %i', (kernel, model, texts) => {
  const graph = buildModel(findModel(model));
  const counts = PROFILES.map((profile) => {
    const of = planFor({ profile }, graph, {}).dispatches.filter((d) => d.kernel === kernel);
    return new Set(of.map(({ source }) => source)).size;
  });
  expect(Math.max(...counts)).toBeLessThanOrEqual(texts);
  expect(Math.max(...counts)).toBeGreaterThan(0);
});

it('resnet50 takes at most 20 pipelines on every kind of device', () => {
  const graph = buildModel(findModel('resnet50'));
  for (const profile of PROFILES) {
    const { dispatches } = planFor({ profile }, graph, {});
    const texts = new Set(dispatches.map(({ source }) => source)).size;
    expect(texts, `${profile.family} ${profile.vendor}`).toBeLessThanOrEqual(20);
  }
});

/** Those that are compared with other libraries. */
const MODELS = parseModels(ALL_TABLES);

it.each(MODELS)('%s takes at most 40 pipelines on every kind of device', (model) => {
  const graph = buildModel(findModel(model));
  for (const profile of PROFILES) {
    const { dispatches } = planFor({ profile }, graph, {});
    const texts = new Set(dispatches.map(({ source }) => source)).size;
    expect(texts, `${profile.family} ${profile.vendor}`).toBeLessThanOrEqual(40);
  }
});

it('layers that differ in parameters only share pipelines on every kind of device', () => {
  const g = GraphBuilder.create();
  const scaled = (name: string, x: Value, factor: number): Value =>
    pointwise(g.at(name), [x], (v = 0) =>
      apply(functions.round, apply(functions.div, v, parameter(factor))),
    );
  let x: Value = scaled('first', g.input('x', [1, 8, 12, 12]), 3);
  g.output('again', scaled('second', x, 5));
  for (const i of [1, 2, 3]) {
    const layer = g.at(`conv${i}`);
    x = scaled(`scaled${i}`, conv2d(layer, x, { channels: 8, kernel: 3, padding: 1 }), i / 7);
  }
  g.output('y', x);
  const graph = g.build('scaled');
  for (const profile of PROFILES) {
    const { dispatches } = planFor({ profile }, graph, {});
    const texts = new Set(dispatches.map(({ source }) => source)).size;
    const kernels = new Set(dispatches.map(({ kernel }) => kernel)).size;
    expect(dispatches.length).toBeGreaterThan(4);
    expect(texts, `${profile.family} ${profile.vendor}`).toBe(kernels);
  }
});
