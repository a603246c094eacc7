/** Everything that has an end says so, in the same words, whatever is asked of it afterwards. */
import { describe, expect, it } from 'vitest';
import {
  BatchClassifier,
  BatchEmbedder,
  Classifier,
  createSession,
  createTunedSession,
  Detector,
  type Device,
  Embedder,
  type Graph,
  GraphBuilder,
  type Image,
  measureCeilings,
  Preprocessor,
  profile,
  relu,
  Segmenter,
  Session,
  syntheticWeights,
  timePass,
  tune,
  verify,
} from '../src/index.ts';
import { useDevices } from './fixtures/device.ts';
import {
  tinyClassifier,
  tinyDetector,
  tinyPreprocessing,
  tinySegmenter,
} from './fixtures/tiny_models.ts';

const openDevice = useDevices();
const weights = syntheticWeights([]);
const image: Image = { width: 5, height: 4, data: new Uint8ClampedArray(80).fill(99) };
const x = new Float32Array(4);

function smallGraph(): Graph {
  const g = GraphBuilder.create();
  g.output('y', relu(g.at('relu'), g.input('x', [4])));
  return g.build('small');
}

const graph = smallGraph();

type Use<T> = (of: T) => unknown;

const SESSION: Readonly<Record<string, Use<Session>>> = {
  prepared: (session) => session.prepared,
  plan: (session) => session.plan,
  inputs: (session) => session.inputs,
  outputs: (session) => session.outputs,
  memory: (session) => session.memory,
  submits: (session) => session.submits,
  run: (session) => session.run(x),
  resize: (session) => session.resize({ x: [8] }),
  use: (session) => session.use(async () => {}),
  timePass: (session) => timePass(session),
  profile: (session) => profile(session, x, { runs: 1 }),
};

const DEVICE: Readonly<Record<string, Use<Device>>> = {
  use: (device) => device.use(async () => {}),
  restore: (device) => device.restore(),
  createSession: (device) => createSession(device, graph, { weights }),
  createTunedSession: (device) => createTunedSession(device, graph, { weights }),
  measureCeilings: (device) => measureCeilings(device),
  tune: (device) => tune(device, graph),
  verify: (device) => verify(device, graph, { x }, { weights }),
  'Preprocessor.create': (device) => Preprocessor.create(device, tinyPreprocessing),
};

/** What it throws, or is rejected with. */
async function errorOf<T>(use: Use<T>, of: T): Promise<unknown> {
  try {
    await use(of);
  } catch (error) {
    return error;
  }
  return 'no error';
}

describe('a session that was disposed of', () => {
  it('has no members but those of the table, and those that need no GPU', () => {
    const members = Object.getOwnPropertyNames(Session.prototype);
    const known = ['constructor', 'dispose', ...Object.keys(SESSION)];
    expect(members.filter((name) => !known.includes(name))).toEqual([]);
  });

  it.each(Object.entries(SESSION))('refuses %s', async (name, use) => {
    const session = await createSession(await openDevice(), graph, { weights });
    session.dispose();
    const error = await errorOf(use, session);
    expect(error, name).toMatchObject({
      name: 'TilewiseError',
      message: 'session "small" was disposed; create a new one',
    });
  });
});

it.each(Object.entries(DEVICE))('a device that was disposed of refuses %s', async (_, use) => {
  const device = await openDevice();
  device.dispose();
  expect(await errorOf(use, device)).toMatchObject({
    name: 'DeviceLostError',
    message: 'the GPU device was disposed; use another',
  });
});

it('a session of a device that was disposed of says so', async () => {
  const device = await openDevice();
  const session = await createSession(device, graph, { weights });
  device.dispose();
  const gone = { name: 'DeviceLostError', message: 'the GPU device was disposed; use another' };
  for (const name of ['run', 'resize', 'timePass', 'profile']) {
    expect(await errorOf(SESSION[name] ?? fail, session), name).toMatchObject(gone);
  }
});

function fail(): never {
  throw new Error('not in the table');
}

describe('what works on pictures', () => {
  const disposed = (what: string) => ({
    name: 'TilewiseError',
    message: `the ${what} was disposed; create a new one`,
  });

  it('refuses them once it is disposed of: a preprocessor, and what it prepared before', async () => {
    const device = await openDevice();
    const preprocessor = await Preprocessor.create(device, tinyPreprocessing);
    using session = await createSession(device, tinySegmenter.graph, { weights });
    const input = await preprocessor.prepare([image]);
    preprocessor.dispose();
    const uses: readonly Use<Preprocessor>[] = [
      (of) => of.memory,
      (of) => of.prepare([image]),
      () => session.run(input),
    ];
    for (const use of uses) {
      expect(await errorOf(use, preprocessor)).toMatchObject(disposed('preprocessor'));
    }
  });

  it('refuses them once it is disposed of: embedders', async () => {
    const device = await openDevice();
    const one = await Embedder.create(device, tinyClassifier, { weights });
    const many = await BatchEmbedder.create(device, tinyClassifier, { weights, batch: 2 });
    for (const owner of [one, many]) owner.dispose();
    expect(await errorOf(() => one.embed(image), one)).toMatchObject(disposed('embedder'));
    expect(await errorOf(() => many.embed([[1, image]]).next(), many)).toMatchObject(
      disposed('embedder'),
    );
  });

  it('refuses them once it is disposed of: classifiers, a segmenter and a detector', async () => {
    const device = await openDevice();
    const one = await Classifier.create(device, tinyClassifier, { weights });
    const many = await BatchClassifier.create(device, tinyClassifier, { weights, batch: 2 });
    const segmenter = await Segmenter.create(device, tinySegmenter.model, {
      weights,
      shorterSide: 4,
    });
    const detector = await Detector.create(device, tinyDetector, { weights, family: 'yolov8' });
    for (const owner of [one, many, segmenter, detector]) owner.dispose();
    const refused: unknown[] = [];
    const options = { onRefused: (key: unknown) => refused.push(key) };
    expect(await errorOf(() => one.classify(image), one)).toMatchObject(disposed('classifier'));
    expect(await errorOf(() => many.classify([[1, image]], options).next(), many)).toMatchObject(
      disposed('classifier'),
    );
    expect(await errorOf(() => segmenter.segment(image), segmenter)).toMatchObject(
      disposed('segmenter'),
    );
    expect(await errorOf(() => detector.detect(image), detector)).toMatchObject(
      disposed('detector'),
    );
    expect(refused).toEqual([]);
  });
});
