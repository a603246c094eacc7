import { describe, expect, it } from 'vitest';
import { graphOf } from '../../test/fixtures/build_one.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { createSession } from '../create_session.ts';
import { kindOf } from '../runtime/device_profile.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount } from '../runtime/tensor.ts';
import type { WeightSource } from '../runtime/weights/weight_source.ts';
import { relu } from './activations.ts';
import { conv2d } from './conv2d.ts';
import { conv2dDynamic } from './conv2d_dynamic.ts';
import { linear } from './linear.ts';
import { matmul } from './matmul.ts';

const device = useDevice();

/** Of one operation in f32. */
const ROUNDING = 2 ** -24;
const BLOCK = 128;

const ones: WeightSource = {
  name: 'ones',
  tensors: undefined,
  read: (_, shape) => new Float32Array(elementCount(shape)).fill(1),
};

describe('sums of many products', () => {
  // In one running sum of 0.1 the roundings of a binade are all one way: 1.6e-4 of a sum of 18432.
  it.each<[string, number, (g: GraphBuilder) => Value]>([
    ['linear', 18432, (g) => linear(g, g.input('x', [2, 18432]), { features: 5, bias: false })],
    [
      'conv2d 3x3 of stride 1',
      18432,
      (g) => conv2d(g, g.input('x', [1, 2048, 3, 3]), { channels: 8, kernel: 3, bias: false }),
    ],
    [
      'conv2d 1x1',
      18432,
      (g) => conv2d(g, g.input('x', [1, 18432, 2, 3]), { channels: 9, kernel: 1, bias: false }),
    ],
    [
      'conv2d by weights that are computed',
      18432,
      (g) =>
        conv2dDynamic(
          g,
          g.input('x', [1, 18432, 2, 3]),
          relu(g.at('weight'), g.weight('w', [9, 18432, 1, 1])),
        ),
    ],
    ['matmul', 18432, (g) => matmul(g, g.input('x', [3, 18432]), g.weight('w', [18432, 17]))],
  ])('are taken by blocks: %s', async (_, products, build) => {
    const graph = graphOf(build);
    using session = await createSession(device(), graph, { weights: ones });
    const [input] = graph.inputs;
    const x = new Float32Array(elementCount(input?.desc.shape ?? [])).fill(0.1);
    const { y = new Float32Array() } = await session.run(x);
    const exact = products * Math.fround(0.1);
    // Each product is in a sum of its block, and that in a sum of blocks.
    const blocks = BLOCK + products / BLOCK + 2;
    // On GPUs sums are in registers, of which there are none for blocks.
    const roundings = kindOf(device().profile) === 'cpu' ? blocks : products;
    const error = Math.max(...y.map((value) => Math.abs(value - exact)));
    expect(error).toBeLessThan(exact * roundings * ROUNDING);
  });
});
