import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadWeights } from '../cli/weights.ts';
import { decodeImage } from '../node/decode_image.ts';
import {
  BatchClassifier,
  buildClassifier,
  buildModel,
  type Classification,
  Classifier,
  createSession,
  findModel,
  type Image,
  syntheticWeights,
  topK,
} from '../src/index.ts';
import { digitsPreprocessing } from '../src/vision/preprocessing.ts';
import { Preprocessor } from '../src/vision/preprocessor.ts';
import { useDevice } from './fixtures/device.ts';

const device = useDevice();
const model = findModel('lenet');
const digits = join(import.meta.dirname, '..', 'samples', 'digits');

afterEach(() => {
  vi.restoreAllMocks();
});

function fail(): never {
  throw new Error('something is missing');
}

async function open(batch: number): Promise<BatchClassifier> {
  const weights = await loadWeights(model, buildModel(model), {});
  return BatchClassifier.create(device(), model, { weights, batch });
}

async function readDigits(): Promise<readonly (readonly [number, Image])[]> {
  const names = Array.from({ length: 10 }, (_, digit) => digit);
  return Promise.all(
    names.map(async (digit) => [digit, await decodeImage(join(digits, `${digit}.png`))] as const),
  );
}

async function collect<K>(
  results: AsyncIterable<readonly [K, readonly Classification[]]>,
): Promise<readonly (readonly [K, readonly Classification[]])[]> {
  const all: (readonly [K, readonly Classification[]])[] = [];
  for await (const result of results) all.push(result);
  return all;
}

describe('BatchClassifier', () => {
  it.each([1, 3, 4, 10, 16])(
    'gives the classes of ten pictures in order, %i a run',
    async (batch) => {
      using one = await Classifier.create(device(), model, {
        weights: await loadWeights(model, buildModel(model), {}),
      });
      using many = await open(batch);
      const pictures = await readDigits();
      const results = await collect(many.classify(pictures, { count: 2 }));
      expect(results.map(([key]) => key)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      for (const [digit, image] of pictures) {
        const [first, second] = await one.classify(image, 2);
        const top = results[digit]?.[1] ?? [];
        expect(top).toHaveLength(2);
        expect(top[0]?.class).toBe(digit);
        expect(top[0]?.probability).toBeCloseTo(first?.probability ?? 0, 6);
        expect(top[1]?.probability).toBeCloseTo(second?.probability ?? 0, 6);
      }
    },
  );

  it.each([1, 10, 11])(
    'gives what topK makes of all probabilities, for %i classes',
    async (count) => {
      using many = await open(2);
      const [[, image] = fail()] = await readDigits();
      const run = vi.spyOn(many.session, 'run');
      const [[, found] = fail()] = await collect(many.classify([['zero', image]], { count }));
      expect(run.mock.calls[0]?.[1]?.outputs).toEqual([count > 10 ? 'probabilities' : 'best']);
      const everything = buildClassifier(model, { outputs: ['probabilities'] });
      const weights = await loadWeights(model, buildModel(model), {});
      using session = await createSession(device(), everything, { weights });
      using preprocessor = await Preprocessor.create(device(), digitsPreprocessing);
      const { probabilities = fail() } = await session.run(await preprocessor.prepare([image]));
      const expected = topK(probabilities, count);
      expect(found.map((one) => one.class)).toEqual(expected.map((one) => one.class));
    },
  );

  it('names the class whose probability is not a number', async () => {
    const weights = syntheticWeights([]);
    const broken = {
      ...weights,
      read: (name: string, shape: readonly number[]) =>
        weights.read(name, shape).fill(name === 'fc2.bias' ? Number.NaN : 0),
    };
    using one = await Classifier.create(device(), model, { weights: broken });
    const [[, image] = fail()] = await readDigits();
    await expect(one.classify(image)).rejects.toThrow(
      'topK: the probability of class 0 is not a number',
    );
  });

  it('may be asked again, also after a caller left early', async () => {
    using many = await open(2);
    const pictures = await readDigits();
    for await (const [key] of many.classify(pictures)) if (key === 2) break;
    const results = await collect(many.classify(pictures.slice(5, 8), { count: 1 }));
    expect(results.map(([key, [best]]) => [key, best?.class])).toEqual([
      [5, 5],
      [6, 6],
      [7, 7],
    ]);
  });

  it('takes pictures of the next batch while two are computed, and no more', async () => {
    using many = await open(2);
    const pictures = await readDigits();
    let taken = 0;
    function* slowly() {
      for (const picture of pictures) {
        taken++;
        yield picture;
      }
    }
    const ahead: number[] = [];
    let given = 0;
    for await (const _ of many.classify(slowly())) ahead.push(taken - given++);
    expect(Math.max(...ahead)).toBe(4);
    expect(ahead[0]).toBe(4);
  });

  it('leaves out pictures that cannot be prepared, and says which', async () => {
    using many = await open(4);
    const pictures = await readDigits();
    const broken = { width: 3, height: 3, data: new Uint8Array(1) };
    const mixed = [pictures[0], ['broken', broken], pictures[1]].filter((entry) => !!entry);
    const entries = mixed as readonly (readonly [number | string, Image])[];
    const refused: unknown[] = [];
    const onRefused = (key: unknown, error: Error) => refused.push([key, error.message]);
    const results = await collect(many.classify(entries, { count: 1, onRefused }));
    expect(results.map(([key, [best]]) => [key, best?.class])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(refused).toEqual([['broken', expect.stringContaining('are 36 bytes, got 1')]]);
    await expect(collect(many.classify(entries))).rejects.toThrow('are 36 bytes, got 1');
    expect(await collect(many.classify(pictures.slice(0, 1)))).toHaveLength(1);
  });

  it('passes on what the source of pictures throws, and can be used after it', async () => {
    using many = await open(1);
    const pictures = await readDigits();
    function* failing() {
      yield* pictures.slice(0, 4);
      throw new Error('out of pictures');
    }
    await expect(collect(many.classify(failing()))).rejects.toThrow('out of pictures');
    expect(await collect(many.classify(pictures))).toHaveLength(10);
  });

  it('does one thing at a time', async () => {
    using many = await open(1);
    const pictures = await readDigits();
    const first = many.classify(pictures);
    await first.next();
    await expect(many.classify(pictures).next()).rejects.toThrow(/busy/);
    await first.return(undefined);
    expect(await collect(many.classify(pictures))).toHaveLength(10);
  });

  it('tells what runs take on the GPU where there is a clock', async () => {
    using many = await open(5);
    const times: number[] = [];
    await collect(many.classify(await readDigits(), { onGpuTime: (ms) => times.push(ms) }));
    const clock = device().gpu.features.has('timestamp-query');
    expect(times).toHaveLength(clock ? 2 : 0);
    for (const ms of times) expect(ms).toBeGreaterThanOrEqual(0);
  });

  it('holds pixels of one picture, however many there are, and frees all', async () => {
    const { gpu } = device();
    const live = new Map<GPUBuffer, number>();
    const createBuffer = gpu.createBuffer.bind(gpu);
    vi.spyOn(gpu, 'createBuffer').mockImplementation((descriptor) => {
      const buffer = createBuffer(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      live.set(buffer, descriptor.size);
      vi.spyOn(buffer, 'destroy').mockImplementation(() => {
        live.delete(buffer);
        destroy();
      });
      return buffer;
    });
    const many = await BatchClassifier.create(device(), model, {
      weights: syntheticWeights([]),
      batch: 4,
    });
    const bytes = () => [...live.values()].reduce((sum, size) => sum + size, 0);
    const data = new Uint8Array(4 * 500 * 400).fill(255);
    const photo = { width: 500, height: 400, data };
    const pictures = (count: number) =>
      Array.from({ length: count }, (_, i) => [i, photo] as const);
    await collect(many.classify(pictures(8)));
    const before = bytes();
    await collect(many.classify(pictures(40)));
    expect(bytes()).toBe(before);
    expect(before - many.session.memory.total).toBeLessThan(2 * data.length);
    many.dispose();
    expect(live.size).toBe(0);
  });
});
