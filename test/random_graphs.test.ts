import { expect, it } from 'vitest';
import { createSession, prepare, syntheticWeights, verify } from '../src/index.ts';
import { channelsLast } from './fixtures/channels_last.ts';
import { faultsOf } from './fixtures/check_plan.ts';
import { expectReference, inputsOf } from './fixtures/compare_graphs.ts';
import { useDevice } from './fixtures/device.ts';
import { Random, seeds } from './fixtures/random.ts';
import { randomGraph } from './fixtures/random_graph.ts';

/** `npm run test:long` asks for more. */
const COUNT = Number(process.env.TILEWISE_RANDOM_GRAPHS ?? 20);

const device = useDevice();

it.each(seeds(COUNT))(
  'the GPU agrees with the CPU on the random graph of seed %i',
  async (seed) => {
    const random = new Random(1000 + seed);
    // 5 to 60 nodes; small ones more often, which cost less to compile and are easier to read.
    const graph = randomGraph(random, 5 + Math.floor(55 * random.next() ** 2));
    const inputs = inputsOf(graph);
    using session = await createSession(device(), graph, { weights: syntheticWeights([]) });
    expectReference(graph, inputs, await session.run(inputs));
    expect(session.plan.graph.nodes.length).toBeLessThanOrEqual(graph.nodes.length);
  },
);

it.each(seeds(COUNT / 2))(
  'the GPU agrees with the CPU on the random graph of seed %i with channels last',
  async (seed) => {
    const graph = channelsLast(randomGraph(new Random(3000 + seed), 40));
    const inputs = inputsOf(graph);
    const { plan } = prepare(graph, { device: device().profile });
    expect(faultsOf(plan, device().profile)).toEqual([]);
    using session = await createSession(device(), graph, { weights: syntheticWeights([]) });
    expectReference(graph, inputs, await session.run(inputs));
  },
);

it.for(seeds(COUNT / 4))(
  'verify finds every layer of the random graph of seed %i right in f16',
  async (seed, { skip }) => {
    skip(!device().profile.shaderF16, 'the adapter lacks shader-f16');
    const graph = randomGraph(new Random(2000 + seed), 20);
    const weights = syntheticWeights([]);
    const checks = await verify(device(), graph, inputsOf(graph), { weights, precision: 'f16' });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  },
);
