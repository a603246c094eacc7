/** Preprocessing on the GPU: against Pillow's results, against arithmetic in f64, and in front of models. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../node/decode_image.ts';
import { packageFile } from '../node/package_file.ts';
import { relu } from '../src/layers/activations.ts';
import { buildClassifier } from '../src/models/classifier.ts';
import { lenetModel } from '../src/models/lenet.ts';
import { ShapeError, TilewiseError, UnsupportedError } from '../src/runtime/errors.ts';
import type { Device } from '../src/runtime/gpu/device.ts';
import type { InputWriter } from '../src/runtime/gpu/executor.ts';
import { GraphBuilder } from '../src/runtime/graph_builder.ts';
import { Session } from '../src/runtime/session.ts';
import { elementCount } from '../src/runtime/tensor.ts';
import { openSafetensors } from '../src/runtime/weights/safetensors.ts';
import { syntheticWeights } from '../src/runtime/weights/synthetic.ts';
import type { Image } from '../src/vision/image.ts';
import {
  digitsPreprocessing,
  geometryOf,
  type Interpolation,
  imagenetPreprocessing,
  type Preprocessing,
} from '../src/vision/preprocessing.ts';
import { Preprocessor } from '../src/vision/preprocessor.ts';
import { topK } from '../src/vision/top_k.ts';
import { useDevice } from './fixtures/device.ts';
import { Random, seeds } from './fixtures/random.ts';

const device = useDevice();

/** Values of 0 .. 255 come out as value / 255. */
const BYTES: Preprocessing = {
  channels: 'rgb',
  size: [1, 1],
  fit: { mode: 'stretch' },
  mean: [0, 0, 0],
  std: [1, 1, 1],
};
const GREY_BYTES: Preprocessing = { ...BYTES, channels: 'grey', mean: [0], std: [1] };
const LONGER_SIDE = { mode: 'longer-side', length: 8 } as const;
const LETTERBOX = { mode: 'letterbox', padding: 114 } as const;

/** [width, height] */
type Size = readonly [number, number];

interface PillowCase {
  readonly from: Size;
  readonly to: Size;
  readonly rgb: number;
  readonly alpha: number;
  readonly grey: number;
}

describe('Preprocessor against Pillow', () => {
  // The FNV-1a hash of what Pillow 9.4 makes of `syntheticImage`: the first three channels as RGB, pasted
  // on white with the fourth as mask, and that as 'L'; each `.resize(to, Image.BILINEAR)`.
  it.each<PillowCase>([
    { from: [13, 9], to: [5, 4], rgb: 0xc3f2856f, alpha: 0xe8202b2c, grey: 0xd99344d9 },
    { from: [5, 4], to: [13, 9], rgb: 0xd7c42712, alpha: 0x69e8bbe7, grey: 0x946892d8 },
    { from: [1, 1], to: [3, 2], rgb: 0x9f96cf25, alpha: 0xbba1e1cb, grey: 0x70849355 },
    { from: [1, 9], to: [4, 4], rgb: 0xbfc7b995, alpha: 0xc942541d, grey: 0xb9576dd5 },
    { from: [64, 3], to: [7, 11], rgb: 0x8d324310, alpha: 0xb2604a22, grey: 0x2d3d2318 },
    { from: [8, 8], to: [8, 8], rgb: 0xdc9dfc76, alpha: 0xcc7be71d, grey: 0x1ec72a1d },
  ])('equals $from resized to $to, to the bit', async ({ from, to, ...hashes }) => {
    const image = syntheticImage(...from);
    const [width, height] = to;
    const sized = (bytes: Preprocessing): Preprocessing => ({ ...bytes, size: [height, width] });
    expect(await hashOf(sized(BYTES), opaque(image))).toBe(hashes.rgb);
    expect(await hashOf(sized(BYTES), image)).toBe(hashes.alpha);
    expect(await hashOf(sized(GREY_BYTES), image)).toBe(hashes.grey);
  });

  // The same of Pillow 12.3, by each of its filters.
  it.each<{ readonly from: Size; readonly to: Size } & Readonly<Record<Interpolation, number>>>([
    {
      from: [13, 9],
      to: [5, 4],
      bilinear: 0xc3f2856f,
      nearest: 0x5340ceed,
      box: 0x13739c20,
      hamming: 0xf427c00c,
      bicubic: 0x6add4428,
      lanczos: 0x5c2c936e,
    },
    {
      from: [5, 4],
      to: [13, 9],
      bilinear: 0xd7c42712,
      nearest: 0xba115194,
      box: 0xba115194,
      hamming: 0x27af141f,
      bicubic: 0x2e6e4cf1,
      lanczos: 0x6aafe461,
    },
    {
      from: [1, 9],
      to: [4, 4],
      bilinear: 0xbfc7b995,
      nearest: 0xe82519a9,
      box: 0x10459ba5,
      hamming: 0xd44b0775,
      bicubic: 0x3f0e2169,
      lanczos: 0xb9b17b41,
    },
    {
      from: [64, 3],
      to: [7, 11],
      bilinear: 0x8d324310,
      nearest: 0x13704fca,
      box: 0xf91f2e8c,
      hamming: 0x00b3c314,
      bicubic: 0x2ba16996,
      lanczos: 0x0446fa39,
    },
    {
      from: [8, 8],
      to: [8, 8],
      bilinear: 0xdc9dfc76,
      nearest: 0xdc9dfc76,
      box: 0xdc9dfc76,
      hamming: 0xdc9dfc76,
      bicubic: 0xdc9dfc76,
      lanczos: 0xdc9dfc76,
    },
  ])('equals $from resized to $to by every filter, to the bit', async ({ from, to, ...hashes }) => {
    const [width, height] = to;
    const image = opaque(syntheticImage(...from));
    for (const [interpolation, hash] of Object.entries(hashes) as [Interpolation, number][]) {
      const bytes: Preprocessing = { ...BYTES, size: [height, width], interpolation };
      expect(await hashOf(bytes, image), interpolation).toBe(hash);
    }
  });

  it.each(['chelsea', 'coffee'])('equals the input that torchvision made of %s', async (name) => {
    const folder = process.env.TILEWISE_TEST_DATA;
    if (!folder) {
      console.log(`TILEWISE_TEST_DATA is not set: the input made of ${name} is not compared`);
      return;
    }
    const file = readFileSync(join(folder, 'golden', 'resnet50-pqf', `${name}.input.f32`));
    const expected = new Float32Array(new Uint8Array(file).buffer);
    const image = await decodeImage(packageFile('samples', 'photos', `${name}.png`));
    const [actual] = await preprocess(imagenetPreprocessing, [image]);
    const differences = expected.map((value, i) => Math.abs(value - (actual?.[i] ?? Number.NaN)));
    const mean = differences.reduce((sum, d) => sum + d, 0) / differences.length;
    const largest = differences.reduce((most, d) => Math.max(most, d), 0);
    console.log(`${name}: mean difference ${mean}, largest ${largest}`);
    // Values reach 2.64, and a division, a product and a sum round, each within 2^-22.
    expect(largest).toBeLessThan(1e-6);
    expect(actual).toHaveLength(expected.length);
  });
});

describe('Preprocessor in the order that a model takes', () => {
  const image = opaque(syntheticImage(9, 7));
  const wanted: Preprocessing = { ...BYTES, size: [3, 4], mean: [0.1, 0.2, 0.3], std: [1, 2, 4] };
  const PLANE = 12;

  /** Pixels by channels of RGB, as levels of 0 .. 255. */
  async function levels(): Promise<readonly (readonly number[])[]> {
    const [planes = new Float32Array()] = await preprocess({ ...BYTES, size: [3, 4] }, [image]);
    return Array.from({ length: PLANE }, (_, i) =>
      [0, 1, 2].map((c) => Math.round(255 * (planes[c * PLANE + i] ?? Number.NaN))),
    );
  }

  it.each([
    ['rgb', 'nchw', 1 / 255],
    ['bgr', 'nchw', 1 / 127.5],
    ['rgb', 'nhwc', 1],
    ['bgr', 'nhwc', 1 / 255],
  ] as const)('%s %s, values times %f', async (channels, layout, rescale) => {
    const order = channels === 'rgb' ? [0, 1, 2] : [2, 1, 0];
    const pixels = (await levels()).map((pixel) =>
      order.map((from, k) => (at(pixel, from) * rescale - at(wanted.mean, k)) / at(wanted.std, k)),
    );
    const expected =
      layout === 'nhwc' ? pixels.flat() : [0, 1, 2].flatMap((k) => pixels.map((p) => at(p, k)));
    using preprocessor = await Preprocessor.create(device(), {
      ...wanted,
      channels,
      layout,
      rescale,
    });
    const prepared = await preprocessor.prepare([image, image]);
    expect(prepared.shape).toEqual(layout === 'nhwc' ? [2, 3, 4, 3] : [2, 3, 3, 4]);
    for (const actual of await read(device(), prepared)) {
      expect(actual).toHaveLength(expected.length);
      // A product, its factor and a sum round, each by 2^-24 of what is below 256.
      const worst = expected.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN)));
      expect(Math.max(...worst)).toBeLessThan(3 * 256 * 2 ** -24);
    }
  });

  it('grey has one channel, in either layout', async () => {
    const nchw = await preprocess({ ...GREY_BYTES, size: [3, 4] }, [image]);
    expect(await preprocess({ ...GREY_BYTES, size: [3, 4], layout: 'nhwc' }, [image])).toEqual(
      nchw,
    );
  });
});

describe('Preprocessor against arithmetic in f64', () => {
  it.each<[string, [number, number], Preprocessing]>([
    ['a photo', [451, 300], imagenetPreprocessing],
    ['a portrait', [97, 131], imagenetPreprocessing],
    ['one pixel', [1, 1], imagenetPreprocessing],
    ['one column', [1, 37], imagenetPreprocessing],
    ['one row', [37, 1], imagenetPreprocessing],
    ['a very wide image', [20000, 10], imagenetPreprocessing],
    ['a very tall image', [10, 2000], imagenetPreprocessing],
    ['a very wide image, made small', [20000, 10], { ...GREY_BYTES, size: [5, 7] }],
    ['a very tall image, made small', [3, 20000], { ...BYTES, size: [7, 5] }],
    ['an image with bars', [50, 20], { ...BYTES, size: [9, 11], fit: LONGER_SIDE }],
    ['a line with bars', [1, 500], { ...GREY_BYTES, size: [9, 11], fit: LONGER_SIDE }],
    ['a letterbox', [50, 20], { ...BYTES, size: [9, 11], fit: LETTERBOX }],
    ['a tall letterbox', [20, 50], { ...imagenetPreprocessing, size: [9, 11], fit: LETTERBOX }],
    ['a line in a letterbox', [1, 500], { ...GREY_BYTES, size: [9, 11], fit: LETTERBOX }],
    ['a white letterbox', [5, 2], { ...BYTES, size: [9, 11], fit: { ...LETTERBOX, padding: 255 } }],
  ])('makes the same of %s', async (_, [width, height], preprocessing) => {
    await expectReference(preprocessing, syntheticImage(width, height));
  });

  it.each(seeds(8))('makes the same of random sizes, seed %i', async (seed) => {
    const random = new Random(seed);
    const size = [random.int(1, 20), random.int(1, 20)] as const;
    const fit = random.pick([
      { mode: 'stretch' },
      { mode: 'shorter-side', length: random.int(20, 40) },
      { mode: 'longer-side', length: random.int(1, 20) },
      { mode: 'letterbox', padding: random.int(0, 255) },
    ] as const);
    const kind = random.pick([BYTES, GREY_BYTES]);
    const image = syntheticImage(random.int(1, 70), random.int(1, 70));
    await expectReference({ ...kind, size, fit }, image);
  });
});

describe('Preprocessor', () => {
  const small: Preprocessing = { ...BYTES, size: [6, 5] };
  const images = [syntheticImage(40, 30), syntheticImage(3, 50), syntheticImage(17, 1)];

  it('gives an image in a batch what it gives it alone', async () => {
    const batch = await preprocess(small, images);
    for (const [i, image] of images.entries()) {
      expect(batch[i]).toEqual((await preprocess(small, [image]))[0]);
    }
  });

  it('names the shape that it writes', async () => {
    using preprocessor = await Preprocessor.create(device(), digitsPreprocessing);
    expect((await preprocessor.prepare(images)).shape).toEqual([3, 1, 28, 28]);
  });

  it('serves runs that overlap', async () => {
    using preprocessor = await Preprocessor.create(device(), small);
    using session = await passThrough(['a'], small);
    const alone = await Promise.all(images.map((image) => preprocess(small, [image])));
    const runs = await Promise.all(
      Array.from({ length: 12 }, async (_, i) =>
        session.run(await preprocessor.prepare([at(images, i % 3)])),
      ),
    );
    runs.forEach(({ a }, i) => {
      expect(a, `run ${i}`).toEqual(alone[i % 3]?.[0]);
    });
  });

  it('serves several inputs of one run', async () => {
    using preprocessor = await Preprocessor.create(device(), small);
    using session = await passThrough(['a', 'b', 'c'], small);
    const [a, b, c] = await Promise.all(images.map((image) => preprocessor.prepare([image])));
    if (!a || !b || !c) throw new Error('there are three images');
    const outputs = await session.run({ a, b, c });
    const alone = await Promise.all(images.map((image) => preprocess(small, [image])));
    expect([outputs.a, outputs.b, outputs.c]).toEqual(alone.map(([values]) => values));
  });

  it('prepares once for any number of runs', async () => {
    using preprocessor = await Preprocessor.create(device(), small);
    const prepared = await preprocessor.prepare([at(images, 0)]);
    const first = await read(device(), prepared);
    await read(device(), await preprocessor.prepare([at(images, 1)]));
    expect(await read(device(), prepared)).toEqual(first);
  });

  it('reads a part of a larger array', async () => {
    const { width, height, data } = at(images, 0);
    const larger = new Uint8ClampedArray(data.length + 7);
    larger.set(data, 3);
    const part = { width, height, data: larger.subarray(3, 3 + data.length) };
    expect(await preprocess(small, [part])).toEqual(await preprocess(small, [at(images, 0)]));
  });

  it('holds what the largest image so far needed, and only its crop', async () => {
    using preprocessor = await Preprocessor.create(device(), imagenetPreprocessing);
    expect(preprocessor.memory).toBe(0);
    await preprocessor.prepare([syntheticImage(20000, 10)]);
    expect(preprocessor.memory).toBeLessThan(30_000);
    await preprocessor.prepare([syntheticImage(300, 300)]);
    const most = preprocessor.memory;
    await preprocessor.prepare([syntheticImage(20, 30)]);
    expect(preprocessor.memory).toBe(most);
    preprocessor.dispose();
    preprocessor.dispose();
    expect(() => preprocessor.memory).toThrow(/disposed; create a new one/);
    await expect(preprocessor.prepare(images)).rejects.toThrow(/disposed; create a new one/);
  });

  it('refuses data of another length than the size says', async () => {
    const wrong = { ...at(images, 0), height: 31 };
    await expect(preprocess(small, [at(images, 1), wrong])).rejects.toThrow(
      new ShapeError('image 2 of 2: 40 x 31 pixels of RGBA are 4960 bytes, got 4800'),
    );
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses an image %d pixels wide', async (width) => {
    const image = { width, height: 2, data: new Uint8Array() };
    await expect(preprocess(small, [image])).rejects.toThrow(/^image: an image is at least 1 x 1/);
  });

  it('refuses an empty batch', async () => {
    await expect(preprocess(small, [])).rejects.toThrow(ShapeError);
  });

  it('is refused by an input of another shape', async () => {
    using preprocessor = await Preprocessor.create(device(), small);
    using session = await passThrough(['a'], { ...small, size: [1, 1] });
    const prepared = await preprocessor.prepare(images);
    await expect(session.run(prepared)).rejects.toThrow(
      /^input "a" of "pass through" must be .* \[1, 3, 1, 1\], got Object of 3,3,6,5/,
    );
  });

  it('refuses an image that is too large for the device, with the limit', async () => {
    const { maxStorageBufferBindingSize, maxBufferSize } = device().profile.limits;
    const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    const height = Math.ceil(limit / (4 * 224)) + 1;
    const image = { width: 1, height, data: new Uint8Array(4 * height) };
    const tall: Preprocessing = { ...GREY_BYTES, size: [1, 224] };
    const refusal = preprocess(tall, [image]);
    await expect(refusal).rejects.toThrow(UnsupportedError);
    await expect(refusal).rejects.toThrow(
      `image of 1 x ${height} is too large for this device: its crop needs a buffer of ${4 * 224 * height} bytes, the limit is ${limit}; make the image smaller first`,
    );
  });

  it('refuses a description that contradicts itself', async () => {
    const wrong: Preprocessing = { ...BYTES, channels: 'grey' };
    await expect(Preprocessor.create(device(), wrong)).rejects.toThrow(TilewiseError);
  });
});

describe('digitsPreprocessing in front of LeNet', () => {
  it('reads the sample digits', async () => {
    const folder = packageFile('samples', 'digits');
    const files = readdirSync(folder).filter((name) => name.endsWith('.png'));
    const images = await Promise.all(files.map((name) => decodeImage(join(folder, name))));
    const expected = files.map((name) => (name.startsWith('seven') ? 7 : Number(name[0])));
    const answers = await readDigits(images);
    expect(answers.map((answer) => answer.class)).toEqual(expected);
    for (const { probability } of answers) expect(probability).toBeGreaterThan(0.99);
  });

  // What a drawing canvas, a scanner or a camera gives, which no centre crop or plain resize could read.
  it.each<[string, Paint]>([
    ['white on black', (ink) => [ink, ink, ink, 255]],
    ['black on white', (ink) => [255 - ink, 255 - ink, 255 - ink, 255]],
    ['black on nothing', (ink) => [0, 0, 0, ink]],
    ['white on nothing', (ink) => [255, 255, 255, ink]],
    ['blue on yellow', (ink) => [255 - ink, 230 - ink * 0.7, 100 + ink * 0.4, 255]],
    ['dark grey on grey', (ink, noise) => [...grey(150 + 30 * noise - ink * 0.4), 255]],
    ['black on dark grey', (ink, noise) => [...grey(90 + 20 * noise - ink * 0.3), 255]],
  ])('reads digits anywhere on a sheet, %s', async (_, paint) => {
    const digits = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        decodeImage(packageFile('samples', 'digits', `${i}.png`)),
      ),
    );
    const random = new Random(7);
    const answers = await readDigits(digits.map((digit) => sheet(digit, random, paint)));
    expect(answers.map((answer) => answer.class)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

type Rgba = readonly [number, number, number, number];
type Paint = (ink: number, noise: number) => Rgba;

function grey(value: number): readonly [number, number, number] {
  return [value, value, value];
}

/** A digit, four times as large, somewhere on a sheet of 300 x 200. */
function sheet(digit: Image, random: Random, paint: Paint): Image {
  const [width, height] = [300, 200];
  const [left, top] = [random.int(0, width - 112), random.int(0, height - 112)];
  const data = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const x = Math.floor(((i % width) - left) / 4);
    const y = Math.floor((Math.floor(i / width) - top) / 4);
    const inside = x >= 0 && x < 28 && y >= 0 && y < 28;
    const ink = inside ? (digit.data[4 * (y * 28 + x)] ?? 0) : 0;
    data.set(paint(ink, random.next() - 0.5).map(Math.round), 4 * i);
  }
  return { width, height, data };
}

async function readDigits(images: readonly Image[]) {
  const batch = images.length;
  const graph = buildClassifier(lenetModel, { batch, outputs: ['probabilities'] });
  const file = readFileSync(packageFile('weights', 'lenet-mnist.safetensors'));
  const weights = openSafetensors(file, 'lenet-mnist.safetensors');
  using session = await Session.create(device(), graph, { weights });
  using preprocessor = await Preprocessor.create(device(), digitsPreprocessing);
  const { probabilities } = await session.run(await preprocessor.prepare(images));
  return images.map((_, i) => {
    const [best] = topK(probabilities?.subarray(10 * i, 10 * i + 10) ?? new Float32Array(), 1);
    if (!best) throw new Error('LeNet has classes');
    return best;
  });
}

/** A session that gives its inputs back; they hold nothing negative. */
function passThrough(names: readonly string[], { size }: Preprocessing): Promise<Session> {
  const g = GraphBuilder.create();
  for (const name of names) {
    g.output(name, relu(g.at(`relu ${name}`), g.input(name, [1, 3, ...size])));
  }
  return Session.create(device(), g.build('pass through'), {
    weights: syntheticWeights([]),
  });
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`there is no item ${index}`);
  return item;
}

/** Weights of 22 bit are not f64: where a sum lies next to a half, it may round to the other side. */
async function expectReference(preprocessing: Preprocessing, image: Image): Promise<void> {
  const [actual = new Float32Array()] = await preprocess(preprocessing, [image]);
  const { size } = preprocessing;
  const plane = size[0] * size[1];
  const expected = resizeReference(preprocessing, image);
  expect(actual).toHaveLength(expected.length);
  const levels = Array.from(actual, (value, i) => {
    const channel = Math.floor(i / plane);
    return 255 * (value * at(preprocessing.std, channel) + at(preprocessing.mean, channel));
  });
  const differences = levels.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)));
  const worst = differences.findIndex((difference) => !(difference < 1.001));
  expect(worst, `of ${expected[worst]} became ${levels[worst]}`).toBe(-1);
  // Wrong rounding would shift half of all values.
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
  expect(mean).toBeLessThan(0.1);
}

/** Pillow's filter on one channel after the other, with weights in f64: 0 .. 255, [C, H, W]. */
function resizeReference(preprocessing: Preprocessing, image: Image): readonly number[] {
  const { resized, crop } = geometryOf(preprocessing, image);
  const { fit } = preprocessing;
  const padding = fit.mode === 'letterbox' ? (fit.padding ?? 0) : 0;
  const outside = (x: number, y: number): boolean =>
    [x + crop.left, y + crop.top].some((at) => at < 0) ||
    x + crop.left >= resized.width ||
    y + crop.top >= resized.height;
  const channels = preprocessing.channels === 'rgb' ? [0, 1, 2] : ['luma' as const];
  return channels.flatMap((channel) => {
    const rows = Array.from({ length: image.height }, (_, y) =>
      resizeLine(
        Array.from({ length: image.width }, (_, x) => onWhite(image, y * image.width + x, channel)),
        resized.width,
        crop.left,
        crop.width,
      ),
    );
    const columns = Array.from({ length: crop.width }, (_, x) =>
      resizeLine(
        rows.map((row) => row[x] ?? 0),
        resized.height,
        crop.top,
        crop.height,
      ),
    );
    return Array.from({ length: crop.height * crop.width }, (_, i) => {
      const [x, y] = [i % crop.width, Math.floor(i / crop.width)];
      return outside(x, y) ? padding : (columns[x]?.[y] ?? Number.NaN);
    });
  });
}

function onWhite({ data }: Image, pixel: number, channel: number | 'luma'): number {
  const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(4 * pixel, 4 * pixel + 4);
  const over = (value: number) => Math.round((value * alpha + 255 * (255 - alpha)) / 255);
  if (channel !== 'luma') return over([red, green, blue][channel] ?? 0);
  return Math.round((over(red) * 19595 + over(green) * 38470 + over(blue) * 7471) / 65536);
}

function resizeLine(
  line: readonly number[],
  length: number,
  from: number,
  count: number,
): readonly number[] {
  const scale = line.length / length;
  const support = Math.max(scale, 1);
  return Array.from({ length: count }, (_, i) => {
    if (from + i < 0 || from + i >= length) return 0;
    const center = (from + i + 0.5) * scale;
    const begin = Math.max(0, Math.floor(center - support + 0.5));
    const window = line.slice(begin, Math.floor(center + support + 0.5));
    const weights = window.map((_, j) =>
      Math.max(0, 1 - Math.abs((begin + j + 0.5 - center) / support)),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const sum = window.reduce((acc, value, j) => acc + value * (weights[j] ?? 0), 0);
    return Math.floor(sum / total + 0.5);
  });
}

async function hashOf(preprocessing: Preprocessing, image: Image): Promise<number> {
  const [values = new Float32Array()] = await preprocess(preprocessing, [image]);
  const channels = preprocessing.mean.length;
  const plane = values.length / channels;
  let hash = 0x811c9dc5;
  for (let at = 0; at < values.length; at++) {
    const value = values[(at % channels) * plane + Math.floor(at / channels)] ?? 0;
    hash = Math.imul(hash ^ Math.round(value * 255), 0x01000193) >>> 0;
  }
  return hash;
}

/** Runs a preprocessor alone: one row of values for each image. */
async function preprocess(
  preprocessing: Preprocessing,
  images: readonly Image[],
): Promise<readonly Float32Array[]> {
  using preprocessor = await Preprocessor.create(device(), preprocessing);
  return read(device(), await preprocessor.prepare(images));
}

async function read({ gpu }: Device, prepared: InputWriter): Promise<readonly Float32Array[]> {
  const size = 4 * elementCount(prepared.shape);
  const target = gpu.createBuffer({
    size,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
  });
  const staging = gpu.createBuffer({
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = gpu.createCommandEncoder();
  prepared.encode(encoder, target);
  encoder.copyBufferToBuffer(target, 0, staging, 0, size);
  gpu.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  target.destroy();
  const [count = 1] = prepared.shape;
  const length = values.length / count;
  return Array.from({ length: count }, (_, i) => values.subarray(i * length, (i + 1) * length));
}

/** Bytes that look like noise: of byte i the upper 8 bit of 2654435761 i mod 2^32. */
function syntheticImage(width: number, height: number): Image {
  const data = Uint8Array.from(
    { length: 4 * width * height },
    (_, i) => Math.imul(i, 2654435761) >>> 24,
  );
  return { width, height, data };
}

function opaque({ width, height, data }: Image): Image {
  return { width, height, data: data.map((value, i) => (i % 4 === 3 ? 255 : value)) };
}
