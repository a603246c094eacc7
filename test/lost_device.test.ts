/** Every method that touches the GPU, on a device that is lost before it, at its start, and while it works. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type NodeGpu, openNodeGpu } from '../node/gpu.ts';
import {
  BatchClassifier,
  Classifier,
  createSession,
  createTunedSession,
  Detector,
  Device,
  DeviceLostError,
  type Graph,
  GraphBuilder,
  type Image,
  linear,
  measureCeilings,
  Preprocessor,
  profile,
  Segmenter,
  type Session,
  syntheticWeights,
  timePass,
  tune,
  verify,
} from '../src/index.ts';
import { expectReference, inputsOf } from './fixtures/compare_graphs.ts';
import {
  tinyClassifier,
  tinyDetector,
  tinyPreprocessing,
  tinySegmenter,
} from './fixtures/tiny_models.ts';
import { type WatchedGpu, watchGpu } from './fixtures/watched_gpu.ts';

const weights = syntheticWeights([]);
const image: Image = { width: 5, height: 4, data: new Uint8ClampedArray(80).fill(99) };

function smallGraph(): Graph {
  const g = GraphBuilder.create();
  g.output('y', linear(g.at('fc'), g.input('x', [2, 5]), { features: 3 }));
  return g.build('small');
}

const graph = smallGraph();
const inputs = inputsOf(graph);

let node: NodeGpu;
let watched: WatchedGpu;
let device: Device;
/** The one that is looked at, and another one on its device. */
let session: Session;
let other: Session;
let preprocessor: Preprocessor;
let pictures: Session;
let classifier: Classifier;
let many: BatchClassifier;
let segmenter: Segmenter;
let detector: Detector;

beforeAll(async () => {
  node = await openNodeGpu(process.env.TILEWISE_ADAPTER);
  watched = watchGpu();
  device = await Device.open(node.gpu);
  session = await createSession(device, graph, { weights });
  other = await createSession(device, graph, { weights });
  preprocessor = await Preprocessor.create(device, tinyPreprocessing);
  pictures = await createSession(device, tinySegmenter.graph, { weights });
  classifier = await Classifier.create(device, tinyClassifier, { weights });
  many = await BatchClassifier.create(device, tinyClassifier, { weights, batch: 2 });
  segmenter = await Segmenter.create(device, tinySegmenter.model, { weights, shorterSide: 4 });
  detector = await Detector.create(device, tinyDetector, { weights, family: 'yolov8' });
});

afterEach(() => {
  expect(watched.errors, 'what the GPU complains about').toEqual([]);
});

afterAll(() => {
  for (const owner of [
    session,
    other,
    preprocessor,
    pictures,
    classifier,
    many,
    segmenter,
    detector,
  ]) {
    owner.dispose();
  }
  const left = [...watched.live.values()];
  device.dispose();
  expect(left, 'objects that are left when all is disposed of').toEqual([]);
});

async function collect<T>(from: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

const picturesByKey = [1, 2, 3].map((key) => [key, image] as const);

/** Each checks its result, too. */
const METHODS: Readonly<Record<string, () => Promise<unknown>>> = {
  'session.run': async () => expectReference(graph, inputs, await session.run(inputs)),
  'session.resize': () => session.resize({ batch: 2 }),
  timePass: async () => expect(await timePass(session, 50)).toBeGreaterThan(0),
  profile: async () => {
    // One pass may be shorter than a tick of the clock.
    const { ceilings } = await profile(session, inputs, { runs: 1 });
    expect(ceilings.gflops).toBeGreaterThan(0);
  },
  measureCeilings: async () => {
    const { gflops, gigabytesPerSecond } = await measureCeilings(device);
    expect(Math.min(gflops, gigabytesPerSecond)).toBeGreaterThan(0);
  },
  tune: async () => {
    const { results } = await tune(device, graph, { candidates: 2 });
    expect(results.length).toBe(1);
    for (const { ms } of results) expect(ms).toBeGreaterThan(0);
  },
  verify: async () => {
    const checks = await verify(device, graph, inputs, { weights });
    expect(checks.map(({ ok }) => ok)).toEqual([true]);
  },
  createSession: async () => {
    using created = await createSession(device, graph, { weights });
    expectReference(graph, inputs, await created.run(inputs));
  },
  createTunedSession: async () => {
    using created = await createTunedSession(device, graph, { weights, candidates: 2 });
    expectReference(graph, inputs, await created.run(inputs));
  },
  'Preprocessor.create': async () => {
    using created = await Preprocessor.create(device, tinyPreprocessing);
    await pictures.run(await created.prepare([image]));
  },
  'preprocessor.prepare': async () => {
    const { logits } = await pictures.run(await preprocessor.prepare([image]));
    expect(logits?.some((value) => value !== 0)).toBe(true);
  },
  'classifier.classify': async () => {
    expect(await classifier.classify(image, 2)).toHaveLength(2);
  },
  'batchClassifier.classify': async () => {
    expect(await collect(many.classify(picturesByKey))).toHaveLength(3);
  },
  'segmenter.segment': async () => {
    expect((await segmenter.segment(image)).indices).toHaveLength(20);
  },
  'detector.detect': async () => {
    expect(await detector.detect(image, { most: 2 })).toBeInstanceOf(Array);
  },
};

/** These take seconds each time. */
const SLOW = ['profile', 'measureCeilings'];

async function lose(): Promise<void> {
  const { gpu } = device;
  gpu.destroy();
  await gpu.lost;
}

/** What becomes of it: `done`, or a DeviceLostError; anything else fails, as does waiting for 100 s. */
async function outcomeOf(work: Promise<unknown>): Promise<string> {
  const outcome = await Promise.race([
    work.then(
      () => 'done',
      (error: unknown) => error,
    ),
    pause(100_000, 'it hangs', { ref: false }),
  ]);
  if (outcome === 'done') return outcome;
  expect(outcome).toBeInstanceOf(DeviceLostError);
  expect((outcome as Error).message).toMatch(/; .*(again|new)/);
  return 'lost';
}

describe.each(Object.entries(METHODS))('%s', (name, method) => {
  it('works after a loss', async () => {
    await lose();
    await method();
  });

  it('works after a loss, when another session has opened the device anew', async () => {
    await lose();
    await other.run(inputs);
    await method();
  });

  const moments = SLOW.includes(name) ? [20] : [0, 1, 5, 20, 80];
  it.each(moments)('is rejected by a loss in its ms %i, and works again', async (ms) => {
    const work = outcomeOf(method());
    if (ms > 0) await pause(ms);
    device.gpu.destroy();
    // The other session opens the device anew, perhaps before this one has noticed.
    const others = outcomeOf(other.run(inputs));
    await work;
    await others;
    if (!SLOW.includes(name)) await method();
  });
});

describe('what was prepared on a device that was lost since', () => {
  it('is to be prepared again, which the error says', async () => {
    const writer = await preprocessor.prepare([image]);
    await lose();
    await expect(pictures.run(writer)).rejects.toThrow(
      expect.objectContaining({
        name: 'DeviceLostError',
        message: 'the images were prepared on a GPU device that was lost since; prepare them again',
      }),
    );
    await pictures.run(await preprocessor.prepare([image]));
  });

  it('ends the call of a BatchClassifier, of whose batch a part is lost', async () => {
    const taken: number[] = [];
    async function* losing() {
      yield [1, image] as const;
      await lose();
      yield [2, image] as const;
    }
    const results = (async () => {
      for await (const [key] of many.classify(losing(), { onRefused: (key) => taken.push(key) })) {
        taken.push(key);
      }
    })();
    await expect(results).rejects.toThrow(
      expect.objectContaining({
        name: 'DeviceLostError',
        message:
          'the images of a batch were lost with the GPU device; begin with the first of them again',
      }),
    );
    expect(taken).toEqual([]);
    expect(await collect(many.classify(picturesByKey))).toHaveLength(3);
  });
});

describe('a session of a lost device', () => {
  it('keeps the shapes that it had, when a resize fails by the loss', async () => {
    await session.resize({ batch: 2 });
    const resizing = outcomeOf(session.resize({ batch: 4 }));
    device.gpu.destroy();
    const outcome = await resizing;
    expect(session.inputs[0]?.shape).toEqual([outcome === 'done' ? 4 : 2, 5]);
    await session.resize({ batch: 2 });
    expectReference(graph, inputs, await session.run(inputs));
  });

  it('is resized and rebuilt in one', async () => {
    await lose();
    await session.resize({ batch: 3 });
    expect(session.inputs[0]?.shape).toEqual([3, 5]);
    await session.resize({ batch: 2 });
  });
});
