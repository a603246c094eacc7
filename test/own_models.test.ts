/** Models, labels and preprocessing of the user's own in what this library does with pictures. */
import { describe, expect, it } from 'vitest';
import {
  BatchClassifier,
  BatchEmbedder,
  buildEmbedder,
  buildModel,
  Classifier,
  conv2d,
  cosineSimilarity,
  Embedder,
  findModel,
  flatten,
  type Graph,
  GraphBuilder,
  globalAveragePool2d,
  graphModel,
  type Image,
  imagenetPreprocessing,
  linear,
  type ModelDef,
  maxPool2d,
  type Preprocessing,
  relu,
  Segmenter,
  ShapeError,
  sigmoid,
  slice,
  softmax,
  transpose,
  UnsupportedError,
  type Value,
  type WeightSource,
} from '../src/index.ts';
import { exportOnnx, onnxModel } from '../src/onnx/index.ts';
import { useDevice } from './fixtures/device.ts';
import { tinyClassifier, tinySegmenter } from './fixtures/tiny_models.ts';

const device = useDevice();

/** Four pixels, which a network of that size sees as they are. */
const PICTURE: Image = {
  width: 2,
  height: 2,
  data: Uint8Array.from(
    [
      [10, 20, 30, 255],
      [40, 50, 60, 255],
      [70, 80, 90, 255],
      [200, 150, 100, 255],
    ].flat(),
  ),
};
/** Of red, green and blue. */
const MEANS = [80, 75, 70] as const;

const AS_BYTES = {
  size: [2, 2],
  fit: { mode: 'stretch' },
  rescale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
} as const satisfies Partial<Preprocessing>;

/** Two classes by the mean colour: (red - blue) / 10, and the reverse. */
const WEIGHTS = weightsOf({
  'fc.weight': [0.1, 0, -0.1, -0.1, 0, 0.1],
  'fc.bias': [0, 0],
  'conv.weight': [0.1, 0, -0.1, -0.1, 0, 0.1],
  'conv.bias': [0, 0],
});

const classifier: ModelDef = {
  ...tinyClassifier,
  name: 'warm or cold',
  size: [2, 2],
  classes: 2,
  build: (g, x) => {
    const means = flatten(g.at('flat'), globalAveragePool2d(g.at('means'), x));
    return { means, logits: linear(g.at('fc'), means, { features: 2 }) };
  },
};

function weightsOf(tensors: Readonly<Record<string, readonly number[]>>): WeightSource {
  return {
    name: 'weights by hand',
    tensors: undefined,
    read: (name) => Float32Array.from(tensors[name] ?? []),
  };
}

/** The same network for [N, H, W, C]. */
function channelsLast(): Graph {
  const g = GraphBuilder.create();
  const x = g.input('pixels', [1, 2, 2, 3]);
  const { logits } = classifier.build(g, transpose(g.at('order'), x, [0, 3, 1, 2]));
  g.output('scores', logits);
  return g.build('channels last');
}

function first(g: GraphBuilder, logits: Value): Value {
  return slice(g.at('first'), logits, 1, 0, 1);
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** softmax([1, -1]) */
const WARM = logistic(2);
const labels = ['warm', 'cold'];

describe("Classifier with a model of one's own", () => {
  const options = { weights: WEIGHTS, labels, preprocessing: AS_BYTES };

  it.each<[string, () => ModelDef]>([
    ['a ModelDef', () => classifier],
    ['a graph', () => graphModel(buildModel(classifier))],
    ['a graph with channels last', () => graphModel(channelsLast())],
    ['an ONNX file', () => onnxModel(exportOnnx(channelsLast(), WEIGHTS))],
  ])('takes %s, names of classes and preprocessing', async (_, open) => {
    const model = open();
    const own = { ...options, weights: model.weights ?? WEIGHTS };
    using one = await Classifier.create(device(), model, own);
    expect(one.labels).toEqual(labels);
    const [best, other] = await one.classify(PICTURE);
    expect([best?.label, other?.label]).toEqual(['warm', 'cold']);
    expect(best?.probability).toBeCloseTo(WARM, 6);
    using many = await BatchClassifier.create(device(), model, { ...own, batch: 2 });
    const results = [];
    for await (const [key, [first]] of many.classify([3, 1, 2].map((key) => [key, PICTURE]))) {
      results.push([key, first?.label]);
      expect(first?.probability).toBeCloseTo(WARM, 6);
    }
    expect(results).toEqual([3, 1, 2].map((key) => [key, 'warm']));
  });

  it.each<[string, readonly number[], (g: GraphBuilder, logits: Value) => Value]>([
    ['the shares of a softmax', [WARM, 1 - WARM], (g, logits) => softmax(g.at('shares'), logits)],
    ['those of a sigmoid', [logistic(1), logistic(-1)], (g, logits) => sigmoid(g.at('p'), logits)],
    ['one of a sigmoid', [logistic(1)], (g, logits) => sigmoid(g.at('p'), first(g, logits))],
    ['one logit as for a sigmoid', [logistic(1)], first],
  ])('takes for probabilities what a network ends in: %s', async (_, expected, end) => {
    const g = GraphBuilder.create();
    const { logits } = classifier.build(g, g.input('pixels', [1, 3, 2, 2]));
    g.output('scores', end(g, logits));
    const model = graphModel(g.build('ends'));
    using one = await Classifier.create(device(), model, {
      weights: WEIGHTS,
      preprocessing: AS_BYTES,
    });
    const results = await one.classify(PICTURE);
    expect(results).toHaveLength(expected.length);
    results.forEach(({ probability }, i) => {
      expect(probability).toBeCloseTo(expected[i] ?? Number.NaN, 6);
    });
  });

  it('takes blue before red where that is said', async () => {
    const preprocessing = { ...AS_BYTES, channels: 'bgr' } as const;
    using one = await Classifier.create(device(), classifier, { ...options, preprocessing });
    const [best] = await one.classify(PICTURE);
    expect(best?.label).toBe('cold');
    expect(best?.probability).toBeCloseTo(WARM, 6);
  });

  it('has the rest of the preprocessing of the domain, for the size', async () => {
    using one = await Classifier.create(device(), classifier, { weights: WEIGHTS });
    expect(one.labels).toEqual(['0', '1']);
    using other = await Classifier.create(device(), classifier, {
      weights: WEIGHTS,
      preprocessing: { std: imagenetPreprocessing.std },
    });
    expect(await other.classify(PICTURE)).toEqual(await one.classify(PICTURE));
  });

  it('runs at the size of the preprocessing, or at another for which that is grown', async () => {
    const preprocessing = {
      ...imagenetPreprocessing,
      size: [8, 8],
      fit: { mode: 'shorter-side', length: 10 },
    } as const;
    const sizeOf = async (size?: readonly [number, number]) => {
      const more = size ? { size } : {};
      using one = await Classifier.create(device(), classifier, {
        weights: WEIGHTS,
        preprocessing,
        ...more,
      });
      return one.session.inputs[0]?.shape;
    };
    expect(await sizeOf()).toEqual([1, 3, 8, 8]);
    expect(await sizeOf([16, 4])).toEqual([1, 3, 16, 4]);
  });

  it.each<[string, object, typeof ShapeError | typeof UnsupportedError]>([
    [
      'Classifier.create: options.labels must be 2 strings, one for each class of "warm or cold", got Array of 3',
      { labels: ['a', 'b', 'c'] },
      ShapeError,
    ],
    [
      'Classifier.create: options.labels must be 2 strings, one for each class of "warm or cold", got Array of 2',
      { labels: ['a', 2] },
      ShapeError,
    ],
    [
      'preprocessing.std must be 3 numbers, one for each of rgb, above 0, got [1]',
      { preprocessing: { std: [1] } },
      ShapeError,
    ],
    [
      'preprocessing.fit.mode must be one of shorter-side, longer-side, letterbox, stretch, ink, got undefined',
      { preprocessing: { fit: {} } },
      ShapeError,
    ],
    [
      'Classifier.create: options.preprocessing.channels must be 3 channels, which "warm or cold" takes, got 1 (grey)',
      { preprocessing: { channels: 'grey', mean: [0], std: [1] } },
      ShapeError,
    ],
  ])('refuses: %s', async (message, change, Kind) => {
    const wrong = { ...options, ...change } as Parameters<typeof Classifier.create>[2];
    const made = Classifier.create(device(), classifier, wrong);
    await expect(made).rejects.toThrow(new Kind(message));
  });

  it('refuses a graph that takes no images', () => {
    const g = GraphBuilder.create();
    g.output('y', relu(g.at('r'), g.input('x', [1, 3, 8])));
    expect(() => graphModel(g.build('rows'))).toThrow(
      'graphModel: graph must be a Graph with one input of images [N, C, H, W] or [N, H, W, C], got [1, 3, 8]',
    );
  });
});

describe("Segmenter with a model of one's own", () => {
  /** A class for each pixel of a map that is half as large. */
  const coarse: ModelDef = {
    ...tinySegmenter.model,
    name: 'coarse',
    domain: 'masks',
    size: [4, 4],
    classes: 2,
    build: (g, x) => {
      const conv = conv2d(g.at('conv'), x, { channels: 2, kernel: 1 });
      return { logits: maxPool2d(g.at('pool'), conv, { kernel: 2 }) };
    },
  };
  const whole: ModelDef = {
    ...coarse,
    build: (g, x) => ({ logits: conv2d(g.at('conv'), x, { channels: 2, kernel: 1 }) }),
  };
  const last = (): ModelDef => {
    const g = GraphBuilder.create();
    const x = transpose(g.at('in'), g.input('pixels', [1, 4, 4, 3]), [0, 3, 1, 2]);
    g.output('scores', transpose(g.at('out'), whole.build(g, x).logits, [0, 2, 3, 1]));
    return graphModel(g.build('channels last'));
  };
  /** Red on the left, blue on the right. */
  const halves = (width: number, height: number): Image => ({
    width,
    height,
    data: Uint8Array.from({ length: 4 * width * height }, (_, i) => {
      const left = ((i >> 2) % width) * 2 < width;
      return [left ? 200 : 0, 0, left ? 0 : 200, 255][i & 3] ?? 0;
    }),
  });
  const expectHalves = (indices: Uint8Array, width: number): void => {
    expect([...indices]).toEqual([...indices].map((_, i) => ((i % width) * 2 < width ? 0 : 1)));
  };

  it.each([
    ['as large as its input', whole, { shorterSide: 4 }, [4, 8]],
    ['with its channels last', last(), { shorterSide: 4 }, [4, 8]],
    ['that is smaller', coarse, { shorterSide: 4 }, [4, 8]],
    ['at the size that is said', whole, { preprocessing: AS_BYTES }, [2, 2]],
    [
      'at the shorter side that is said',
      coarse,
      { preprocessing: { fit: { mode: 'shorter-side', length: 6 } } },
      [6, 12],
    ],
  ] as const)('names the pixels by a map %s', async (_, model, options, size) => {
    const seen: unknown[] = [];
    const build: ModelDef['build'] = (g, x) => {
      seen.push(x.desc.shape);
      return model.build(g, x);
    };
    const own = { weights: WEIGHTS, labels, picture: halves(16, 8), ...options };
    using segmenter = await Segmenter.create(device(), { ...model, build }, own);
    const { width, height, indices, classes } = await segmenter.segment(halves(16, 8));
    expect({ width, height }).toEqual({ width: 16, height: 8 });
    expect(classes).toEqual([
      { label: 'warm', colour: [0, 0, 0] },
      { label: 'cold', colour: [128, 0, 0] },
    ]);
    expectHalves(indices, 16);
    expect(seen).toEqual([[1, 3, ...size]]);
    // Of another aspect ratio.
    expectHalves((await segmenter.segment(halves(6, 8))).indices, 6);
  });

  /** Blue less red, as a logit or a probability, of a file that is made for 4 x 4. */
  const cold = (isProbability: boolean): ModelDef => ({
    ...whole,
    classes: 1,
    fixedSize: true,
    build: (g, x) => {
      const logits = slice(g.at('cold'), whole.build(g, x).logits, 1, 1, 2);
      if (!isProbability) return { logits };
      const probabilities = sigmoid(g.at('sigmoid'), logits);
      return { logits: probabilities, probabilities };
    },
  });

  it.each([
    ['a logit', cold(false), ['cold'], 'cold'],
    ['a probability', cold(true), undefined, 'foreground'],
  ] as const)('tells what is there from the background by %s', async (_, model, own, label) => {
    const options = { weights: WEIGHTS, ...(own && { labels: own }) };
    using segmenter = await Segmenter.create(device(), model, options);
    const { indices, classes } = await segmenter.segment(halves(16, 8));
    expect(classes.map((one) => one.label)).toEqual(['background', label]);
    expectHalves(indices, 16);
  });

  it.each<[string, object, ModelDef]>([
    [
      'model "coarse" has no names for its classes; give them as "labels", or use fcn_resnet50',
      { labels: undefined },
      coarse,
    ],
    [
      'model "warm or cold" does not say what is in each pixel; use fcn_resnet50, or a Classifier',
      {},
      classifier,
    ],
    [
      'model "coarse" has 257 classes, of which each pixel gets one: 2 to 256 can be told apart; run it by createSession',
      { labels: Array<string>(257).fill('leaf') },
      { ...coarse, classes: 257 },
    ],
    [
      'segmenter: preprocessing.fit must be stretch or shorter-side, got longer-side; leave it out to see whole pictures',
      { preprocessing: { fit: { mode: 'longer-side', length: 9 } } },
      coarse,
    ],
  ])('refuses: %s', async (message, change, model) => {
    const options = { weights: WEIGHTS, labels, ...change } as Parameters<
      typeof Segmenter.create
    >[2];
    await expect(Segmenter.create(device(), model, options)).rejects.toThrow(
      new UnsupportedError(message),
    );
  });
});

describe('Embedder', () => {
  const options = { weights: WEIGHTS, preprocessing: AS_BYTES };
  const length = Math.hypot(...MEANS);

  it('gives what the last layer reads, one long', async () => {
    using embedder = await Embedder.create(device(), classifier, options);
    expect(embedder.features).toBe(3);
    const vector = await embedder.embed(PICTURE);
    expect(vector).toHaveLength(3);
    for (const [i, value] of vector.entries())
      expect(value).toBeCloseTo((MEANS[i] ?? 0) / length, 6);
    expect(cosineSimilarity(vector, vector)).toBeCloseTo(1, 6);
  });

  it.each<[string, ModelDef, string | undefined, readonly number[]]>([
    ['a value by its name', classifier, 'logits', [1, -1]],
    ['the means of a map', { ...classifier, build: mapped }, 'map', MEANS],
    ['what a convolution reads before a pool', { ...classifier, build: mapped }, undefined, MEANS],
    ['what is read, of a graph', graphModel(buildModel(classifier)), undefined, MEANS],
  ])('gives %s, as it is where that is asked for', async (_, model, output, expected) => {
    const wanted = { ...options, normalize: false, ...(output !== undefined && { output }) };
    using embedder = await Embedder.create(device(), model, wanted);
    const vector = await embedder.embed(PICTURE);
    expect(vector).toHaveLength(expected.length);
    for (const [i, value] of vector.entries()) expect(value).toBeCloseTo(expected[i] ?? 0, 4);
  });

  it('gives the same of many pictures, in batches that are not full', async () => {
    using one = await Embedder.create(device(), classifier, options);
    using many = await BatchEmbedder.create(device(), classifier, { ...options, batch: 2 });
    expect(many.features).toBe(3);
    const dark: Image = { ...PICTURE, data: PICTURE.data.map((value) => value >> 1) };
    const pictures = [PICTURE, dark, PICTURE].map((picture, key) => [key, picture] as const);
    const vectors: (readonly [number, Float32Array])[] = [];
    for await (const result of many.embed(pictures)) vectors.push(result);
    const expected = [];
    for (const [key, picture] of pictures) expected.push([key, await one.embed(picture)]);
    expect(vectors).toEqual(expected);
  });

  it.each([
    ['resnet50', 2048],
    ['vgg11', 4096],
    ['mobilenet_v3_small', 1024],
    ['efficientnet_b0', 1280],
    ['densenet121', 1024],
    ['convnext_tiny', 768],
    ['squeezenet1_1', 512],
    ['inception_v3', 2048],
    ['lenet', 200],
  ])('takes the features of %s', (name, features) => {
    const graph = buildEmbedder(findModel(name), { batch: 2 });
    expect([...graph.outputs].map(([output, { desc }]) => [output, desc.shape])).toEqual([
      ['embedding', [2, features]],
    ]);
  });

  it('says where there is no such value, or no last layer', () => {
    expect(() => buildEmbedder(classifier, { output: 'pool' })).toThrow(
      new UnsupportedError('model "warm or cold" has no value "pool"; it has means, logits'),
    );
    const bare: ModelDef = {
      ...classifier,
      name: 'bare',
      build: (g, x) => ({ logits: relu(g, x) }),
    };
    expect(() => buildEmbedder(bare)).toThrow(
      new UnsupportedError(
        'model "bare" has no last layer that reads one value; name the value to take by "output"',
      ),
    );
  });

  /** As SqueezeNet: a convolution makes the classes, of which the pool comes after. */
  function mapped(g: GraphBuilder, x: Parameters<ModelDef['build']>[1]) {
    const map = relu(g.at('map'), x);
    const conv = conv2d(g.at('conv'), map, { channels: 2, kernel: 1 });
    return { map, logits: flatten(g.at('flat'), globalAveragePool2d(g.at('pool'), conv)) };
  }
});

describe('cosineSimilarity', () => {
  it.each([
    [[1, 0], [0, 5], 0],
    [[3, 4], [6, 8], 1],
    [[3, 4], [-3, -4], -1],
    // (1 * 4 + 2 * 5 + 3 * 6) / sqrt(14 * 77)
    [[1, 2, 3], [4, 5, 6], 32 / Math.sqrt(14 * 77)],
    [[0, 0], [1, 1], 0],
    [[1e30, 1e30], [1e30, 0], Math.SQRT1_2],
  ])('of %j and %j', (a, b, expected) => {
    const similarity = cosineSimilarity(Float32Array.from(a), Float32Array.from(b));
    expect(similarity).toBeCloseTo(expected, 12);
  });

  it('refuses vectors of different lengths', () => {
    expect(() => cosineSimilarity(new Float32Array(3), new Float32Array(4))).toThrow(
      new ShapeError('cosineSimilarity: b must be 3 elements, as a, got 4'),
    );
  });
});
