/** What a block of a vision transformer takes, and that it is right. */
import { describe, expect, it } from 'vitest';
import { createSession, prepare } from '../src/index.ts';
import { syntheticWeights } from '../src/runtime/weights/synthetic.ts';
import { attentionBlock } from './fixtures/attention_block.ts';
import { expectReference, inputsOf } from './fixtures/compare_graphs.ts';
import { useDevice } from './fixtures/device.ts';
import { profileOf } from './fixtures/profiles.ts';

const device = useDevice();
const SIZES = { images: 1, tokens: 13, heads: 3, length: 8 };

describe('a block of attention', () => {
  it.each(['gpu', 'llvmpipe', 'swiftshader'] as const)('is nine dispatches on a %s', (family) => {
    const { plan } = prepare(attentionBlock(SIZES), { device: profileOf(family) });
    const kernels = plan.dispatches.map(({ node }) => node.op.name);
    const [norm, rows, product] = ['normalize', 'linear', 'matmul'];
    expect(kernels).toEqual([norm, rows, product, 'softmax', product, rows, norm, rows, rows]);
  });

  it.each([1, 3])('agrees with the reference for %i images', async (images) => {
    const graph = attentionBlock({ ...SIZES, images });
    const inputs = inputsOf(graph);
    using session = await createSession(device(), graph, { weights: syntheticWeights([]) });
    expectReference(graph, inputs, await session.run(inputs));
  });
});
