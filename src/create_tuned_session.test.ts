import { describe, expect, it } from 'vitest';
import { useDevice } from '../test/fixtures/device.ts';
import { createTunedSession } from './create_tuned_session.ts';
import { conv2d } from './layers/conv2d.ts';
import { keptTuning, type TuningStore, tuningKey } from './profiling/tuning_store.ts';
import { GraphBuilder } from './runtime/graph_builder.ts';
import type { SessionProgress } from './runtime/session.ts';
import { syntheticTensor, syntheticWeights } from './runtime/weights/synthetic.ts';
import { VERSION } from './version.ts';

const device = useDevice();
const SHAPE = [1, 8, 6, 6];
const weights = syntheticWeights([]);

/** Two shapes of layers. */
function graph() {
  const g = GraphBuilder.create();
  const x = g.input('x', SHAPE);
  const first = conv2d(g.at('first'), x, { channels: 8, kernel: 3, padding: 1 });
  g.output('y', conv2d(g.at('second'), first, { channels: 4, kernel: 1 }));
  return g.build('two');
}

function memoryStore(texts = new Map<string, string>()): TuningStore & {
  readonly texts: ReadonlyMap<string, string>;
} {
  return {
    texts,
    get: async (key) => texts.get(key),
    put: async (key, text) => {
      texts.set(key, text);
    },
  };
}

/** How often a layer was tuned, and what was warned of, while a session was made and ran. */
async function start(store: TuningStore, signal?: AbortSignal) {
  const tuned: SessionProgress[] = [];
  const warnings: string[] = [];
  using session = await createTunedSession(device(), graph(), {
    weights,
    store,
    candidates: 2,
    onProgress: (progress) => {
      if (progress.stage === 'tune') tuned.push(progress);
    },
    onWarning: (message) => warnings.push(message),
    ...(signal && { signal }),
  });
  const { y } = await session.run(syntheticTensor('x', SHAPE));
  return { tuned, warnings, y, dispatches: session.plan.dispatches };
}

describe('createTunedSession', () => {
  it('tunes at the first start, keeps what won, and times nothing at the next', async () => {
    const store = memoryStore();
    const first = await start(store);
    expect(first.tuned.map(({ done, total }) => [done, total])).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(first.tuned[1]?.remainingMs).toBeGreaterThan(0);
    expect([...store.texts.keys()]).toEqual([tuningKey(device())]);
    const second = await start(store);
    expect(second.tuned).toEqual([]);
    expect(second.y).toEqual(first.y);
    const tuning = await keptTuning(device(), store);
    const winners = [...(tuning?.values() ?? [])].map(({ kernel }) => kernel);
    expect(winners).toHaveLength(2);
    expect(second.dispatches.map(({ kernel }) => kernel)).toEqual(expect.arrayContaining(winners));
    expect([...first.warnings, ...second.warnings]).toEqual([]);
  });

  it('goes on, with warnings, where the store can neither read nor write', async () => {
    const refuse = () => Promise.reject(new Error('the quota is used up'));
    const { tuned, warnings, y } = await start({ get: refuse, put: refuse });
    expect(tuned).toHaveLength(2);
    expect(y).toBeDefined();
    expect(warnings).toEqual([
      expect.stringMatching(/cannot be had: the quota is used up/),
      expect.stringMatching(/cannot be kept: the quota is used up/),
    ]);
  });

  it('replaces damaged text, with a warning', async () => {
    const store = memoryStore(new Map([[tuningKey(device()), '{"format":4,"winners"']]));
    const { tuned, warnings } = await start(store);
    expect(tuned).toHaveLength(2);
    expect(warnings).toEqual([expect.stringMatching(/cannot be read/)]);
    expect((await start(store)).tuned).toEqual([]);
  });

  it('keeps what was found before an abort', async () => {
    const store = memoryStore();
    const controller = new AbortController();
    const stopping = createTunedSession(device(), graph(), {
      weights,
      store,
      candidates: 2,
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 1) controller.abort(new Error('enough'));
      },
    });
    await expect(stopping).rejects.toThrow('enough');
    expect((await keptTuning(device(), store))?.size).toBe(1);
    expect((await start(store)).tuned).toHaveLength(1);
  });
});

describe('tuningKey', () => {
  it('names version, adapter and driver', () => {
    expect(tuningKey(device())).toContain(`Tilewise ${VERSION} on `);
    expect(tuningKey(device())).toContain(device().adapter.identity);
  });
});
