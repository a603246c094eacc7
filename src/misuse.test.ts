/** What the public API says to arguments that no type would let through, as JavaScript lets them. */
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { useDevice } from '../test/fixtures/device.ts';
import * as api from './index.ts';

const device = useDevice();
const weights = api.syntheticWeights([]);
const { GraphBuilder, functions: f } = api;

/** Anything, as any type. */
const bad = (value?: unknown): never => value as never;

function graphOf(build: (g: api.GraphBuilder) => api.Value): api.Graph {
  const g = GraphBuilder.create();
  g.output('y', build(g));
  return g.build('net');
}

const SIDES = { top: 1, left: 1, bottom: 1, right: 1 };
const map = (g: api.GraphBuilder) => g.input('map', [1, 2, 4, 4]);

const vectors = () => graphOf((g) => api.relu(g.at('r'), g.input('x', [4, 3])));
const maps = () => graphOf((g) => api.relu(g.at('r'), g.input('x', [4, 3, 8, 8])));
const convolution = () =>
  graphOf((g) => api.conv2d(g.at('c'), g.input('x', [2, 3, 8, 8]), { channels: 4, kernel: 3 }));

const open = (graph = vectors(), more: object = {}) =>
  api.createSession(device(), graph, { weights, ...more });

async function opened(work: (session: api.Session) => Promise<unknown>, graph = vectors()) {
  using session = await open(graph);
  await work(session);
}

const classify = async (picture: never) => {
  using classifier = await api.Classifier.create(device(), api.findModel('lenet'), { weights });
  await classifier.classify(picture);
};

const opening = (options: object) => api.Device.open(bad({}), options);

const classifier = (options: object) =>
  api.Classifier.create(device(), api.lenet, { weights, ...options });

const segmenter = (preprocessing: unknown) => {
  const model = api.findModel('lraspp_mobilenet_v3_large');
  return api.Segmenter.create(device(), model, { weights, preprocessing: bad(preprocessing) });
};

const read = (read: () => unknown) =>
  open(convolution(), { weights: { name: 'mine', tensors: undefined, read } });

const expressionOf = (steps: readonly unknown[]) =>
  graphOf((g) => api.pointwise(g.at('bad'), [g.input('x', [2])], () => bad({ steps })));

const resized = (to: unknown, graph?: api.Graph) =>
  opened((session) => session.resize(bad(to)), graph);
const ran = (inputs: unknown, options?: unknown) =>
  opened((session) => session.run(bad(inputs), bad(options)));

const VALUES = 'input "x" of "net" must be a Float32Array of 12 values [4, 3], got';
const EXTENTS = `input "x"'s extents must be positive integers, got`;
const FIRST = '"c.weight" of "mine" must be a Float32Array of 108 values [4, 3, 3, 3], got';
const EXPRESSION = 'pointwise "bad": expects finite constants and values that it is given, got';

function twoShapes(): void {
  const g = GraphBuilder.create();
  g.weight('w', [3]);
  g.weight('w', [5]);
}

function detached(): Float32Array {
  const data = new Float32Array(12);
  structuredClone(data.buffer, { transfer: [data.buffer] });
  return data;
}

/** Options that mean the same wherever they are taken, as what they are not, and what is said of them. */
const OPTIONS: readonly (readonly [option: string, value: unknown, message: string])[] = [
  ['signal', 5, 'Classifier.create: options.signal must be an AbortSignal, got 5'],
  ['onProgress', 'x', 'Classifier.create: options.onProgress must be a function, got x'],
  ['onWarning', true, 'Classifier.create: options.onWarning must be a function, got true'],
  ['tuning', 5, 'Classifier.create: options.tuning must be a Map of winners, got 5'],
  ['optimize', 'no', 'Classifier.create: options.optimize must be true or false, got no'],
];

type Case = readonly [what: string, work: () => unknown, message: string, name?: string];

const CASES: readonly Case[] = [
  [
    'Device.open(undefined)',
    () => api.Device.open(bad()),
    'expects a GPU with an adapter, got undefined; isSupported',
  ],
  [
    'Device.open({})',
    () => api.Device.open(bad({})),
    'expects a GPU with an adapter, got Object; isSupported',
  ],

  [
    'Device.open with an experiment that is none',
    () => opening({ experimental: true }),
    'Device.open: experimental must be an Experiment, got true',
  ],
  [
    'Device.open with the function that makes one',
    () => opening({ experimental: api.subgroupMatrices }),
    'Device.open: experimental must be an Experiment, got Function of 0',
  ],
  [
    'Device.open with an adapter that is none',
    () => opening({ adapter: {} }),
    'Device.open: adapter must be a GPUAdapter, got Object',
  ],
  [
    'adapterFacts of an adapter without info',
    () => api.adapterFacts(bad({ features: new Set(), info: null })),
    'adapterFacts: adapter must be a GPUAdapter, got Object',
  ],
  [
    'subgroupMatrices that nobody hears of',
    () => api.subgroupMatrices({ onMissing: bad(true) }),
    'subgroupMatrices: onMissing must be a function, got true',
  ],

  [
    'a session with a signal that is none',
    () => open(vectors(), { signal: {} }),
    'session: signal must be an AbortSignal, got Object',
  ],
  [
    'a run with a signal that is none',
    () => ran(new Float32Array(12), { signal: Number.NaN }),
    'session: signal must be an AbortSignal, got NaN',
  ],
  [
    'a run into nothing that asks for nothing',
    () => ran(new Float32Array(12), { into: null, outputs: [] }),
    'session "net" has the outputs y; asked for were none',
  ],
  [
    'a frame queue with a signal that is none',
    () => new api.FrameQueue(async () => {}, { signal: bad(5) }),
    'FrameQueue: signal must be an AbortSignal, got 5',
  ],
  ...OPTIONS.map(
    ([option, value, message]): Case => [
      `a classifier with ${option} ${String(value)}`,
      () => classifier({ [option]: value }),
      message,
    ],
  ),
  [
    'labels with holes',
    () => classifier({ labels: new Array(10) }),
    'options.labels must be 10 strings, one for each class of "lenet", got Array of 10',
    'ShapeError',
  ],
  [
    'vectors that are "no" normalized',
    () => api.Embedder.create(device(), api.lenet, { weights, normalize: bad('no') }),
    'Embedder.create: options.normalize must be true or false, got no',
  ],
  [
    'an embedding of no name',
    () => api.Embedder.create(device(), api.lenet, { weights, output: bad(Symbol('s')) }),
    'Embedder.create: options.output must be a string, got Symbol(s)',
  ],
  [
    'a segmenter of a number',
    () => segmenter(5),
    'Segmenter.create: options.preprocessing must be an object, got 5',
  ],
  [
    'a segmenter of null',
    () => segmenter(null),
    'Segmenter.create: options.preprocessing must be an object, got null',
  ],
  [
    'a segmenter that fits null',
    () => segmenter({ fit: null }),
    'segmenter: preprocessing.fit must be stretch or shorter-side, got undefined',
  ],
  [
    'a size beyond all indices',
    () => segmenter({ size: [1e9, 1e9] }),
    'preprocessing.size must be of at most 2147483647 values, got [1000000000, 1000000000]',
    'ShapeError',
  ],

  [
    'a session without options',
    () => api.createSession(device(), vectors(), bad()),
    'options.weights must be a WeightSource, got undefined',
  ],
  [
    'a session with a promise of weights',
    () => open(vectors(), { weights: Promise.resolve(weights) }),
    'options.weights must be a WeightSource, got Promise',
  ],
  [
    'a tuned session without options',
    () => api.createTunedSession(device(), vectors(), bad()),
    'options.weights must be a WeightSource, got undefined',
  ],
  [
    'precision f64',
    () => open(vectors(), { precision: 'f64' }),
    'precision must be f32 or f16, got f64',
  ],
  [
    'weights of too few values',
    () => read(() => new Float32Array(3)),
    `${FIRST} Float32Array of 3`,
    'WeightError',
  ],
  [
    'weights of too many values',
    () => read(() => new Float32Array(109)),
    `${FIRST} Float32Array of 109`,
    'WeightError',
  ],
  ['weights that are nothing', () => read(() => undefined), `${FIRST} undefined`, 'WeightError'],
  [
    'weights that are a promise',
    () => read(async () => new Float32Array(108)),
    `${FIRST} Promise`,
    'WeightError',
  ],

  ['run()', () => ran(undefined), `${VALUES} undefined`],
  ['run(null)', () => ran(null), `${VALUES} null`],
  ['run(5)', () => ran(5), `${VALUES} 5`],
  ['run of null', () => ran({ x: null }), `${VALUES} null`],
  ['run of a writer without a shape', () => ran({ x: { encode() {} } }), `${VALUES} Object`],
  ['run of an array', () => ran({ x: [1, 2] }), `${VALUES} Array of 2`],
  ['run of a Float64Array', () => ran({ x: new Float64Array(12) }), `${VALUES} Float64Array of 12`],
  [
    'run of an array of another realm',
    () => ran({ x: runInNewContext('new Float32Array(12)') }),
    `${VALUES} foreign Float32Array of 12`,
  ],
  [
    'run of an array that was given away',
    () => ran({ x: detached() }),
    `${VALUES} Float32Array of 0`,
  ],
  [
    'run into a Float64Array',
    () => ran(new Float32Array(12), { into: { y: new Float64Array(12) } }),
    'output "y" of "net" must be a Float32Array of 12 values [4, 3], got Float64Array of 12',
  ],

  ['resize()', () => resized(undefined), 'resize "net": to must be shapes by input, got undefined'],
  ['resize(null)', () => resized(null), 'resize "net": to must be shapes by input, got null'],
  ['a batch of 0', () => resized({ batch: 0 }), `${EXTENTS} [0, 3]`],
  ['a batch of -1', () => resized({ batch: -1 }), `${EXTENTS} [-1, 3]`],
  ['a batch of NaN', () => resized({ batch: Number.NaN }), `${EXTENTS} [NaN, 3]`],
  ['a size of vectors', () => resized({ size: 8 }), 'graph "net" has no input "size"'],
  ['a size of 0', () => resized({ size: 0 }, maps()), `${EXTENTS} [4, 3, 0, 0]`],
  ['a shape that is a number', () => resized({ x: 5 }), `${EXTENTS} 5`],
  ['a shape that is null', () => resized({ x: null }), `${EXTENTS} null`],
  [
    'an input that all objects have',
    () => resized({ toString: [1] }),
    'graph "net" has no input "toString"',
  ],

  ['an input without shape', () => GraphBuilder.create().input('x', bad()), `${EXTENTS} undefined`],
  [
    'two inputs of one name',
    () => graphOf((g) => api.add(g, g.input('x', [2]), g.input('x', [2]))),
    'input "x" was named twice',
  ],
  [
    'a weight of two shapes',
    twoShapes,
    'weight "w" is [3] already, got [5]; give the layer a path of its own',
  ],
  [
    'a value of another builder',
    () => graphOf((g) => api.relu(g, GraphBuilder.create().input('z', [2]))),
    'pointwise "pointwise": x0 must be a value of this GraphBuilder, got z',
  ],
  [
    'an operand that is not there',
    () => expressionOf([{ fn: 'operand', name: 'zork' }]),
    `${EXPRESSION} zork`,
  ],
  [
    'an operand that all objects have',
    () => expressionOf([{ fn: 'operand', name: 'constructor' }]),
    `${EXPRESSION} constructor`,
  ],
  [
    'a step that reads a later one',
    () =>
      expressionOf([
        { fn: f.neg, args: [1] },
        { fn: 'operand', name: 'x0' },
      ]),
    `${EXPRESSION} neg`,
  ],
  [
    'a product with NaN',
    () => graphOf((g) => api.mul(g.at('bad'), g.input('x', [2]), Number.NaN)),
    `${EXPRESSION} NaN`,
  ],
  ...(
    [
      [3n, '3'],
      [Symbol('s'), 'Symbol(s)'],
      [[], 'Array of 0'],
    ] as const
  ).map(
    ([value, got]): Case => [
      `an expression of ${got}`,
      () =>
        graphOf((g) =>
          api.pointwise(g.at('bad'), [g.input('x', [2])], (x = 0) =>
            api.apply(f.mul, x, bad(value)),
          ),
        ),
      `${EXPRESSION} ${got}`,
    ],
  ),
  [
    'a sum with infinity',
    () => graphOf((g) => api.add(g.at('bad'), g.input('x', [2]), Infinity)),
    `${EXPRESSION} Infinity`,
  ],
  [
    'eight values',
    () =>
      graphOf((g) =>
        api.pointwise(
          g.at('sum'),
          Array.from({ length: 8 }, (_, i) => g.input(`x${i}`, [2])),
          (...all) => bad(all.reduce((a, b) => api.apply(f.add, a, b))),
        ),
      ),
    'pointwise "sum": expects at most 7 values, got 8; compute some',
  ],

  [
    'a reduction that is none',
    () => graphOf((g) => api.reduce(g, map(g), bad('median'))),
    'reduce "reduce": expects one of sum, mean, max, min, prod, sum_square, l1, l2, log_sum, log_sum_exp, got median',
  ],
  [
    'an axis that is no number',
    () => graphOf((g) => api.reduce(g.at('r'), map(g), 'sum', { axes: [Number.NaN] })),
    'reduce "r": axis NaN is not an axis of [1, 2, 4, 4]',
  ],
  [
    'a mode of resizing',
    () => graphOf((g) => api.resize2d(g.at('up'), map(g), { scale: 2, mode: bad('linear') })),
    'resize2d "up": mode must be one of nearest, bilinear, got linear',
  ],
  [
    'coordinates',
    () =>
      graphOf((g) => api.resize2d(g.at('up'), map(g), { scale: 2, coordinates: bad('centre') })),
    'resize2d "up": coordinates must be one of half_pixel,',
  ],
  [
    'a filter',
    () =>
      graphOf((g) =>
        api.resize(g.at('up'), map(g), [{ axis: 1, size: 3 }], { filter: bad('lanczos') }),
      ),
    'resize_axis "up": filter must be one of nearest, linear, cubic, got lanczos',
  ],
  [
    'a filter of samples',
    () =>
      graphOf((g) =>
        api.gridSample(g.at('warp'), map(g), g.input('grid', [1, 3, 3, 2]), {
          filter: bad('bilinear'),
        }),
      ),
    'grid_sample "warp": filter must be one of nearest, linear, cubic, got bilinear',
  ],
  [
    'a mode of padding',
    () => graphOf((g) => api.pad2d(g.at('pad'), map(g), SIDES, { mode: bad('mirror') })),
    'pad2d "pad": mode must be one of constant, edge, wrap, reflect, got mirror',
  ],
  [
    'an order',
    () => graphOf((g) => api.topElements(g.at('top'), g.input('x', [2, 4]), 1, bad('smallest'))),
    'top_k "top": order must be one of largest, least, got smallest',
  ],
  [
    'which of equals',
    () => graphOf((g) => api.argMax(g.at('arg'), map(g), { takes: bad('middle') })),
    'arg_reduce "arg": takes must be one of first, last, got middle',
  ],
  [
    'an order of indices',
    () =>
      graphOf((g) =>
        api.maxPool2dIndices(g.at('where'), map(g), { kernel: 2, order: bad('planes') }),
      ),
    'max_pool2d_indices "where": order must be one of rows, columns, got planes',
  ],
  [
    'a scale that is no number',
    () =>
      graphOf((g) => {
        const x = map(g);
        return api.matmul(g.at('product'), x, x, { scale: Number.NaN });
      }),
    'matmul "product": scale must be finite, got NaN',
  ],

  [
    'a builder in place of a model',
    () => api.buildModel(bad(() => api.lenet)),
    'buildModel: model must be a model, as findModel gives, got Function',
  ],
  [
    'no model',
    () => api.buildModel(bad()),
    'buildModel: model must be a model, as findModel gives, got undefined',
  ],
  [
    'a builder in place of a classifier',
    () => api.buildClassifier(bad(() => api.lenet)),
    'buildClassifier: model must be a model, as findModel gives, got Function',
  ],
  [
    'an output that all objects have',
    () => api.buildModel(api.findModel('lenet'), { outputs: ['toString'] }),
    'model "lenet" has no value "toString"; it has',
  ],
  ['a domain of nothing', () => api.domainOf(bad(() => api.lenet)), 'got undefined in Function'],

  [
    'no picture',
    () => classify(bad()),
    'expected a picture, such as { data, width, height } or an ImageBitmap, got undefined',
  ],
  ['an empty picture', () => classify(bad({})), 'or an ImageBitmap, got Object'],
  [
    'a picture of an array',
    () => classify(bad({ width: 1, height: 1, data: [0, 0, 0, 0] })),
    'image: 1 x 1 pixels of RGBA are 4 bytes, got Array of 4',
  ],
];

describe('the public API', () => {
  it.for(CASES)('refuses %s', async ([, work, message, name]) => {
    const error: unknown = await (async () => work())().then(
      () => 'nothing is thrown',
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(api.TilewiseError);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
    if (name) expect(error).toMatchObject({ name });
  });
});

/** Names that all objects have, and those of what a run does. */
const NAMES: readonly string[] = ['constructor', '__proto__', 'toString', 'encode', 'length'];

describe('the names of values', () => {
  it.each(NAMES)('may be %s', async (name) => {
    const g = GraphBuilder.create();
    g.output(name, api.relu(g.at(name), g.input(name, [3])));
    using session = await open(g.build(name));
    const data = Float32Array.of(-1, 0, 2);
    const entries = Object.entries(await session.run(Object.fromEntries([[name, data]])));
    expect(entries).toEqual([[name, Float32Array.of(0, 0, 2)]]);
    expect(Object.entries(await session.run(data))).toEqual(entries);
  });
});

describe('memory that threads share', () => {
  const shared = (...values: readonly number[]): Float32Array => {
    const data = new Float32Array(new SharedArrayBuffer(4 * values.length));
    data.set(values);
    return data;
  };

  it('is read from and written into', async () => {
    const graph = graphOf((g) => api.relu(g.at('r'), g.input('x', [3])));
    using session = await open(graph);
    const y = shared(7, 7, 7);
    await session.run({ x: shared(-1, 0, 2) }, { into: { y } });
    expect([...y]).toEqual([0, 0, 2]);
  });
});
