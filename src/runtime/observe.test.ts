import { describe, expect, it } from 'vitest';
import { useDevice } from '../../test/fixtures/device.ts';
import { createSession } from '../create_session.ts';
import { lenetModel } from '../models/lenet.ts';
import { buildModel } from '../models/model.ts';
import { runReference } from '../reference.ts';
import { observe } from './observe.ts';
import { syntheticInput, syntheticWeights } from './weights/synthetic.ts';

const device = useDevice();
const graph = buildModel(lenetModel);
const input = syntheticInput([1, 1, 28, 28]);
const weights = syntheticWeights([]);

describe('observe', () => {
  it('puts out layers and the input as they are computed on the way', async () => {
    const names = ['input', 'conv1', 'relu1', 'relu3'];
    const observed = observe(graph, names);
    expect([...observed.outputs.keys()]).toEqual(['logits', ...names]);
    const reference = runReference(graph, weights, { input });
    using session = await createSession(device(), observed, { weights });
    const outputs = await session.run(input);
    expect(outputs.input).toEqual(input);
    for (const name of names.slice(1)) {
      const node = graph.nodes.find((candidate) => candidate.name === name);
      const expected = (node && reference.get(node.output)) ?? new Float64Array();
      const actual = outputs[name] ?? new Float32Array();
      expect(actual.length).toBe(expected.length);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const worst = expected.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - (actual[i] ?? Number.NaN))),
        0,
      );
      // Sums of at most 800 products, each rounded to 2^-24 of its size.
      expect(worst / largest).toBeLessThan(800 * 2 ** -24);
    }
  });

  it('leaves the graph as it was, and gives the same logits', async () => {
    using plain = await createSession(device(), graph, { weights });
    using session = await createSession(device(), observe(graph, ['conv2']), { weights });
    expect([...graph.outputs.keys()]).toEqual(['logits']);
    const { logits } = await session.run(input);
    expect(logits).toEqual((await plain.run(input)).logits);
  });

  it('refuses a layer that is not there', () => {
    expect(() => observe(graph, ['conv9'])).toThrow('"lenet" has no layer "conv9"; it has input, ');
  });
});
