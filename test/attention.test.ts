/** A block of a vision transformer, as PyTorch's exporter writes it: what it takes, and that it is right. */
import { describe, expect, it } from 'vitest';
import { createSession, prepare } from '../src/index.ts';
import { gelu } from '../src/layers/activations.ts';
import { add, mul } from '../src/layers/arithmetic.ts';
import { linear } from '../src/layers/linear.ts';
import { matmul } from '../src/layers/matmul.ts';
import { layerNorm } from '../src/layers/normalize.ts';
import { reshapeTo, slice, transpose } from '../src/layers/rearrange.ts';
import { softmax } from '../src/layers/softmax.ts';
import type { Value } from '../src/runtime/graph.ts';
import { GraphBuilder } from '../src/runtime/graph_builder.ts';
import { syntheticWeights } from '../src/runtime/weights/synthetic.ts';
import { expectReference, inputsOf } from './fixtures/compare_graphs.ts';
import { useDevice } from './fixtures/device.ts';
import { profileOf } from './fixtures/profiles.ts';

const device = useDevice();
const [TOKENS, HEADS, LENGTH] = [13, 3, 8];
const FEATURES = HEADS * LENGTH;

/** A linear layer of the tokens of all images: rows, whose bias comes after the reshape. */
function dense(g: GraphBuilder, x: Value, features: number): Value {
  const { shape } = x.desc;
  const rows = reshapeTo(g.at('rows'), x, [-1, shape.at(-1) ?? 1]);
  const product = linear(g.at('fc'), rows, { features, bias: false });
  const tokens = reshapeTo(g.at('tokens'), product, [...shape.slice(0, -1), features]);
  return add(g, tokens, g.at('fc').weight('bias', [features]));
}

function attention(g: GraphBuilder, x: Value, batch: number): Value {
  const qkv = dense(g.at('qkv'), x, 3 * FEATURES);
  const parts = reshapeTo(g.at('parts'), qkv, [batch, TOKENS, 3, HEADS, LENGTH]);
  const heads = transpose(g.at('heads'), parts, [2, 0, 3, 1, 4]);
  const [q, k, v] = [0, 1, 2].map((i) =>
    reshapeTo(g.at(`head${i}`), slice(g.at(`part${i}`), heads, 0, i, i + 1), [
      batch,
      HEADS,
      TOKENS,
      LENGTH,
    ]),
  ) as [Value, Value, Value];
  const root = LENGTH ** -0.25;
  const keys = transpose(g.at('keys'), k, [0, 1, 3, 2]);
  const scores = matmul(g.at('scores'), mul(g.at('q'), q, root), mul(g.at('k'), keys, root));
  const mixed = matmul(g.at('mixed'), softmax(g.at('softmax'), scores, 3), v);
  const joined = transpose(g.at('joined'), mixed, [0, 2, 1, 3]);
  return dense(
    g.at('projection'),
    reshapeTo(g.at('flat'), joined, [batch, TOKENS, FEATURES]),
    FEATURES,
  );
}

function block(batch: number): ReturnType<GraphBuilder['build']> {
  const g = GraphBuilder.create();
  const x = g.input('x', [batch, TOKENS, FEATURES]);
  const y = add(g.at('sum1'), x, attention(g.at('attention'), layerNorm(g.at('norm1'), x), batch));
  const hidden = gelu(g.at('gelu'), dense(g.at('up'), layerNorm(g.at('norm2'), y), 2 * FEATURES));
  g.output('y', add(g.at('sum2'), y, dense(g.at('down'), hidden, FEATURES)));
  return g.build('block');
}

describe('a block of attention', () => {
  it.each(['gpu', 'llvmpipe', 'swiftshader'] as const)('is nine dispatches on a %s', (family) => {
    const { plan } = prepare(block(1), { device: profileOf(family) });
    const kernels = plan.dispatches.map(({ node }) => node.op.name);
    const [norm, rows, product] = ['normalize', 'linear', 'matmul'];
    expect(kernels).toEqual([norm, rows, product, 'softmax', product, rows, norm, rows, rows]);
  });

  it.each([1, 3])('agrees with the reference for %i images', async (batch) => {
    const graph = block(batch);
    const inputs = inputsOf(graph);
    using session = await createSession(device(), graph, { weights: syntheticWeights([]) });
    expectReference(graph, inputs, await session.run(inputs));
  });
});
