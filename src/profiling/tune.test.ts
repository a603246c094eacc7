import { describe, expect, it } from 'vitest';
import { useDevice } from '../../test/fixtures/device.ts';
import { conv2d } from '../layers/conv2d.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { Session } from '../runtime/session.ts';
import { syntheticTensor, syntheticWeights } from '../runtime/weights/synthetic.ts';
import { tune } from './tune.ts';

const device = useDevice();

function twoLayers() {
  const g = GraphBuilder.create();
  const x = g.input('x', [1, 8, 6, 6]);
  const once = conv2d(g.at('first'), x, { channels: 8, kernel: 3, padding: 1 });
  g.output('y', conv2d(g.at('second'), once, { channels: 8, kernel: 3, padding: 1 }));
  return g.build('two');
}

describe('tune', () => {
  it('times each shape of layer once, and a session runs what won', async () => {
    const { tuning, results } = await tune(device(), twoLayers(), { candidates: 2 });
    expect(results.map(({ layer }) => layer)).toEqual(['first']);
    expect(results[0]?.ms).toBeLessThanOrEqual(results[0]?.untunedMs ?? 0);
    const weights = syntheticWeights([]);
    using session = await Session.create(device(), twoLayers(), {
      weights,
      tuning,
    });
    const { kernel, config } = results[0] ?? {};
    for (const dispatch of session.plan.dispatches) {
      expect(dispatch).toMatchObject({ kernel, config });
    }
    await session.run(syntheticTensor('x', [1, 8, 6, 6]));
  });

  it('tells f16 from f32', async ({ skip }) => {
    skip(!device().profile.shaderF16, 'the adapter lacks shader-f16');
    const precision = 'f16';
    const known = await tune(device(), twoLayers(), { candidates: 2 });
    const options = { candidates: 2, precision, tuning: known.tuning } as const;
    const { tuning, results } = await tune(device(), twoLayers(), options);
    expect(results.map(({ layer }) => layer)).toContain('first');
    const weights = syntheticWeights([]);
    using session = await Session.create(device(), twoLayers(), {
      weights,
      tuning,
      precision,
    });
    const { kernel, config } = results[0] ?? {};
    const first = session.plan.dispatches.find(({ node }) => node.name === 'first');
    expect(first).toMatchObject({ kernel, config });
  });

  it('times nothing that is known', async () => {
    const { tuning } = await tune(device(), twoLayers(), { candidates: 2 });
    const again = await tune(device(), twoLayers(), { tuning });
    expect(again.results).toEqual([]);
    expect(again.tuning).toEqual(tuning);
  });

  it('stops with the reason of its signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(tune(device(), twoLayers(), { signal })).rejects.toThrow('enough');
  });
});
