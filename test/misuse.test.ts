/** Every function of every entry, with each of its arguments spoilt in turn. */
import { beforeAll, describe, expect, it } from 'vitest';
import * as api from '../src/index.ts';
import { exportOnnx } from '../src/onnx/index.ts';
import { useDevice } from './fixtures/device.ts';
import {
  EXPORTS,
  GOOD_CALLS,
  May,
  type Spoilt,
  type Things,
  tinySegmenter,
} from './fixtures/good_calls.ts';
import { tinyDetector } from './fixtures/tiny_models.ts';

/** What cannot be called, or takes nothing. */
const NOT_CALLED: Readonly<Record<string, string>> = {
  ANY_GPU: 'a profile',
  VERSION: 'a text',
  alexnet: 'a model',
  browserSupport: 'facts',
  conversions: 'passes',
  digitsPreprocessing: 'a description',
  fcnResnet50: 'a model',
  functions: 'definitions, which apply takes',
  cocoLabels: 'texts',
  detectorFamilies: 'descriptions',
  imagenetLabels: 'texts',
  imagenetPreprocessing: 'a description',
  lenet: 'a model',
  modelFamilies: 'models',
  models: 'models',
  resnet50: 'a model',
  vocClasses: 'texts',
  GPUS: 'a list',
  DeviceLostError: 'an error, which takes what Error takes',
  GpuError: 'an error',
  ImageError: 'an error',
  NumpyError: 'an error',
  OnnxError: 'an error',
  ShaderError: 'an error',
  ShapeError: 'an error',
  TilewiseError: 'an error',
  UnsupportedError: 'an error',
  WeightError: 'an error',
};

/** The functions of an export by name: itself, or what is called on a class and on its objects. */
function functionsOf(name: string, value: unknown): readonly string[] {
  if (name in NOT_CALLED) return [];
  if (typeof value !== 'function') return [name];
  const own = (object: object, separator: string): readonly string[] =>
    Object.entries(Object.getOwnPropertyDescriptors(object))
      .filter(([key, { value }]) => typeof value === 'function' && key !== 'constructor')
      .filter(([key]) => key !== 'dispose')
      .map(([key]) => `${name}${separator}${key}`);
  // A class is made by what it has for that: its constructor is its own.
  if (!/^class\b/.test(String(value))) return [name];
  return [...own(value, '.'), ...own(value.prototype, '#')];
}

const FUNCTIONS = Object.entries(EXPORTS).flatMap(([name, value]) => functionsOf(name, value));

const SPOILT: readonly (readonly [Spoilt, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['number', 5],
  ['string', 'text'],
  ['object', {}],
];

/** What an argument is spoilt with, by what it is. */
function spoiltFor(good: unknown): readonly (readonly [Spoilt, unknown])[] {
  if (good instanceof Float32Array) return [...SPOILT, ['array', [...good]]];
  if (Array.isArray(good)) return [...SPOILT, ['array', [undefined]]];
  if (typeof good === 'object' && good !== null && 'kind' in good && 'desc' in good) {
    return [...SPOILT, ['foreign', api.GraphBuilder.create().input('z', [1, 4, 8, 8])]];
  }
  return SPOILT;
}

const device = useDevice();
let lasting: Omit<Things, 'g' | 'map' | 'volume' | 'rows' | 'image' | 'value'>;

beforeAll(async () => {
  const g = api.GraphBuilder.create();
  g.output('y', api.relu(g.at('r'), g.input('x', [2, 4])));
  const graph = g.build('net');
  const weights = api.syntheticWeights([]);
  const session = await api.createSession(device(), graph, { weights, denseOutputs: true });
  lasting = {
    graph,
    device: device(),
    adapter: adapterOf(device()),
    session,
    classifier: await api.Classifier.create(device(), api.lenet, { weights }),
    many: await api.BatchClassifier.create(device(), api.lenet, { weights, batch: 1 }),
    embedder: await api.Embedder.create(device(), api.lenet, { weights }),
    manyEmbedded: await api.BatchEmbedder.create(device(), api.lenet, { weights, batch: 1 }),
    segmenter: await api.Segmenter.create(device(), tinySegmenter, { weights, shorterSide: 8 }),
    detector: await api.Detector.create(device(), tinyDetector, { weights, family: 'yolov8' }),
    preprocessor: await api.Preprocessor.create(device(), {
      ...api.imagenetPreprocessing,
      size: [8, 8],
      fit: { mode: 'stretch' },
    }),
    tensor: await api.GpuTensor.allocate(device(), [2, 4]),
    weights,
    profile: await api.profile(session, new Float32Array(8), { runs: 1 }),
    onnxFile: exportOnnx(imageModel(), weights),
    safetensors: new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 123, 125]),
  };
});

/** Fresh for every call, so that none sees what another has left. */
function things(): Things {
  const root = api.GraphBuilder.create();
  let inputs = 0;
  const value = (...shape: number[]) => root.input(`input ${inputs++}`, shape);
  return {
    ...lasting,
    g: root.at('here'),
    map: value(1, 4, 8, 8),
    volume: value(1, 4, 4, 8, 8),
    rows: value(2, 4),
    image: value(1, 3, 64, 64),
    value,
  };
}

function imageModel(): api.Graph {
  const g = api.GraphBuilder.create();
  g.output('y', api.relu(g, g.input('x', [1, 3, 8, 8])));
  return g.build('net');
}

/** Hands out the device that there is: adapters give one only. */
function adapterOf({ gpu }: api.Device): GPUAdapter {
  const { adapterInfo: info, features, limits } = gpu;
  return { info, features, limits, requestDevice: async () => gpu } as unknown as GPUAdapter;
}

/** Calls a function of the library with some argument in place of the good one. */
async function called(name: string, spoilt?: string, by?: unknown): Promise<unknown> {
  const good = GOOD_CALLS[name]?.(things()) ?? {};
  const { this: self, ...rest } = good;
  const values = Object.entries(rest).map(([argument, value]) => {
    if (argument === spoilt) return by;
    return value instanceof May ? value.value : value;
  });
  const [owner = '', member] = name.split(/[.#]/);
  const object = (self ?? EXPORTS[owner]) as never;
  const result = await (member === undefined
    ? (object as (...values: unknown[]) => unknown)(...values)
    : (object[member] as (...values: unknown[]) => unknown).apply(object, values));
  const found = Object(result);
  if (Symbol.asyncIterator in found) for await (const _ of found) break;
  if (owner !== 'Device') found.dispose?.();
  return result;
}

/** What messages say for some arguments, where that is not their name. */
const SAYS: Readonly<Record<string, readonly string[]>> = {
  a: ['x0', 'x1'],
  b: ['x0', 'x1'],
  slope: ['x1', 'constants'],
  offset: ['constants'],
  alpha: ['constants'],
  gamma: ['constants'],
  operands: ['value'],
  extents: ['parts'],
  features: ['weight'],
  options: ['weight', 'extents', 'axes'],
  surroundings: ['options'],
  outputSize: ['output size'],
  reduction: ['expects one of'],
  sides: ['padding', 'options'],
  from: ['slice'],
  to: ['slice', 'shapes'],
  shape: ['extents'],
  value: ['that a node makes'],
  gpu: ['adapter', 'GPUDevice'],
  attributes: ['options'],
  inputs: ['a value of this'],
  segment: ['name'],
  buffer: ['byte'],
  device: ['profile'],
  image: ['picture'],
  count: ['k is', 'has no part'],
  index: ['has no part'],
  name: ['unknown model'],
  names: ['has no layer'],
  wanted: ['contains'],
};

/** Composed functions speak in the name of what they are made of. */
const MADE_OF: readonly string[] = [
  'here',
  'must be a GraphBuilder',
  '"net"',
  'createSession',
  'expected a picture',
  'as findModel gives',
  'tensor [',
  'a GpuTensor',
  'Preprocessor.prepare',
  'topK',
  'WebGPU found no adapter',
  'no adapter',
  'weights file',
  'weights "',
  'NumPy file',
  'ONNX file',
  'openSafetensors',
  'unknown model',
  'preprocessing',
  'roi_align',
];

/** What messages call a function: by its name or by its layer's; and the argument, or what is in it. */
function isNamed(message: string, name: string, argument: string, good: unknown): boolean {
  const [owner = '', member = owner] = name.split(/[.#]/);
  const snake = member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const who = [owner, member, snake, ...MADE_OF];
  const keys = typeof good === 'object' && good !== null ? Object.keys(good) : [];
  const has = (text: string): boolean => message.toLowerCase().includes(text.toLowerCase());
  const what = [argument, argument.replace(/s$/, ''), ...keys, ...(SAYS[argument] ?? [])];
  return who.some(has) && what.some(has);
}

/** What is wrong with what a call does with one argument spoilt; undefined where it is refused as it should be. */
async function faultOf(
  name: string,
  argument: string,
  value: unknown,
  spoilt: readonly [Spoilt, unknown],
) {
  const [kind, by] = spoilt;
  const good = value instanceof May ? value.value : value;
  const allowed = value instanceof May && value.others.includes(kind);
  const shown = `${name}, ${argument} = ${kind}`;
  try {
    await called(name, argument, by);
    return allowed ? undefined : `${shown}: nothing is thrown`;
  } catch (error) {
    const { message } = error as Error;
    if (allowed) return `${shown}: is allowed, but throws ${message}`;
    if (!(error instanceof api.TilewiseError)) return `${shown}: ${error}`;
    return isNamed(message, name, argument, good) ? undefined : `${shown}: unnamed in: ${message}`;
  }
}

describe('the public API', () => {
  it('has a good call for each of its functions, and says why the rest has none', () => {
    expect(FUNCTIONS.filter((name) => !(name in GOOD_CALLS))).toEqual([]);
    const known = new Set([...FUNCTIONS, ...Object.keys(NOT_CALLED)]);
    expect(Object.keys(GOOD_CALLS).filter((name) => !known.has(name))).toEqual([]);
    expect(Object.keys(NOT_CALLED).filter((name) => !(name in EXPORTS))).toEqual([]);
  });

  it.for(FUNCTIONS)('%s refuses what it cannot take', { timeout: 120_000 }, async (name) => {
    await called(name);
    const { this: _, ...rest } = GOOD_CALLS[name]?.(things()) ?? {};
    const faults: unknown[] = [];
    for (const [argument, value] of Object.entries(rest)) {
      for (const spoilt of spoiltFor(value instanceof May ? value.value : value)) {
        faults.push(await faultOf(name, argument, value, spoilt));
      }
    }
    const found = faults.filter((fault) => fault !== undefined);
    if (found.length > 0) expect.fail(found.join('\n'));
  });
});
