import { describe, expect, it } from 'vitest';
import { type Choose, checkKernels } from '../../test/fixtures/check_kernels.ts';
import { expectReference, inputsOf } from '../../test/fixtures/compare_graphs.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { profileOf } from '../../test/fixtures/profiles.ts';
import { dotProduct } from '../../test/fixtures/rounding_bounds.ts';
import type { DeviceFamily } from '../runtime/device_profile.ts';
import type { Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { type PrepareOptions, prepare } from '../runtime/prepare.ts';
import { Session } from '../runtime/session.ts';
import type { Shape } from '../runtime/tensor.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { hardSwish, relu, sigmoid, silu } from './activations.ts';
import { globalAveragePool2d } from './adaptive_average_pool2d.ts';
import { add, mul } from './arithmetic.ts';
import { batchNorm } from './batch_norm.ts';
import { concat } from './concat.ts';
import { type Conv2dOptions, conv2d, conv2dOp } from './conv2d.ts';
import { flatten } from './flatten.ts';
import { linear } from './linear.ts';
import { withGemv } from './linear_kernels/one_pixel.ts';
import { slice } from './rearrange.ts';
import { windowOf } from './window.ts';

interface PixelCase extends Partial<Conv2dOptions> {
  readonly x: Shape;
  readonly channels: number;
  /** Of the channels of x, those that the convolution reads. */
  readonly between?: readonly [number, number];
  readonly epilogue?: (g: GraphBuilder, y: Value) => Value;
}

const device = useDevice();

const FAMILIES: readonly DeviceFamily[] = ['gpu', 'llvmpipe', 'swiftshader'];

/** And as GPUs are offered it, of few images: llvmpipe compiles many in many slices for a minute. */
const gemvOnBoth: Choose = (candidates, node, profile) => {
  const [images = 1] = node.output.desc.shape;
  const onGpu = images <= 3 ? node.op.candidates(node, { ...profile, family: 'gpu' }) : [];
  return [candidates, onGpu].flatMap((offered) =>
    offered.filter(({ kernel }) => kernel === 'linear_gemv').slice(0, 1),
  );
};

const residual = (g: GraphBuilder, y: Value): Value => add(g, g.input('r', y.desc.shape), y);

function gate(g: GraphBuilder, y: Value): Value {
  return mul(g, y, g.input('gate', y.desc.shape.with(0, 1)));
}

describe('linear_gemv of a convolution', () => {
  it.each<[string, PixelCase]>([
    ['1 channel, 1 output', { x: [1, 1, 1, 1], channels: 1 }],
    ['1 channel of 3 images', { x: [3, 1, 1, 1], channels: 4 }],
    ['3 channels', { x: [1, 3, 1, 1], channels: 4, epilogue: silu }],
    ['3 channels of 3 images', { x: [3, 3, 1, 1], channels: 240, epilogue: sigmoid }],
    ['8 channels', { x: [1, 8, 1, 1], channels: 1, epilogue: residual }],
    ['8 channels of 3 images', { x: [3, 8, 1, 1], channels: 240, bias: false }],
    ['960 channels', { x: [1, 960, 1, 1], channels: 240, epilogue: hardSwish }],
    ['960 channels of 3 images', { x: [3, 960, 1, 1], channels: 4, epilogue: residual }],
    ['a relu behind', { x: [1, 8, 1, 1], channels: 4, epilogue: relu }],
    ['a residual and relu', { x: [3, 8, 1, 1], channels: 5, epilogue: residualAndRelu }],
    ['a factor for each channel', { x: [3, 9, 1, 1], channels: 6, epilogue: gate }],
    ['a part in whole fours', { x: [3, 16, 1, 1], between: [4, 12], channels: 4 }],
    ['the first pixel of larger maps', { x: [3, 12, 2, 3], channels: 6, stride: 3 }],
    ['padding behind', { x: [2, 7, 1, 1], channels: 5, stride: 2, padding: BEHIND }],
    ['8 images', { x: [8, 20, 1, 1], channels: 9, epilogue: silu }],
  ])('agrees with the reference for %s', async (_, { x, between, epilogue, ...options }) => {
    await checkKernels(device(), {
      op: 'conv2d',
      build(g) {
        const whole = g.input('x', x);
        const part = between ? slice(g.at('part'), whole, 1, ...between) : whole;
        const y = ofOnePixel(g, part, options);
        return epilogue ? epilogue(g, y) : y;
      },
      bound: dotProduct,
      choose: gemvOnBoth,
    });
  });
});

const BEHIND = { top: 0, left: 0, bottom: 1, right: 1 };

function residualAndRelu(g: GraphBuilder, y: Value): Value {
  return relu(g.at('relu'), residual(g.at('sum'), y));
}

/** By an operator that has the kernel, whatever else is in the graph. */
function ofOnePixel(
  g: GraphBuilder,
  x: Value,
  { channels, bias = true, ...options }: Partial<Conv2dOptions> & { readonly channels: number },
): Value {
  const [, inputs = 1] = x.desc.shape;
  const attributes = { ...windowOf({ kernel: 1, ...options }), groups: 1 };
  const weight = g.weight('weight', [channels, inputs, 1, 1]);
  const more = bias ? { bias: g.weight('bias', [channels]) } : {};
  return g.at('conv').add(withGemv(conv2dOp), attributes, { x, weight, ...more });
}

/** Squeeze-and-excitation with a batch norm, beside another of its kind, and a classifier behind. */
function network(batch: number) {
  const g = GraphBuilder.create();
  const x = conv2d(g.at('stem'), g.input('x', [batch, 3, 5, 7]), { channels: 10, kernel: 3 });
  const mean = globalAveragePool2d(g.at('mean'), relu(g, x));
  const beside = concat(g.at('beside'), [silu(g.at('a'), mean), sigmoid(g.at('b'), mean)]);
  const inner = conv2d(g.at('fc1'), beside, { channels: 12, kernel: 1, bias: false });
  const parts = [
    relu(g.at('c'), batchNorm(g.at('bn'), inner)),
    hardSwish(g.at('d'), conv2d(g.at('fc2'), mean, { channels: 6, kernel: 1 })),
  ];
  const outer = conv2d(g.at('fc3'), concat(g.at('both'), parts), { channels: 10, kernel: 1 });
  const scaled = mul(g.at('scale'), x, sigmoid(g.at('gate'), outer));
  const pooled = globalAveragePool2d(g.at('pool'), scaled);
  g.output('gate', outer);
  g.output('y', linear(g.at('fc'), flatten(g.at('flat'), pooled), { features: 5 }));
  return g.build('gated');
}

const GATES = ['fc1', 'fc2', 'fc3'];

function kernelsOf(graph: ReturnType<typeof network>, options: PrepareOptions) {
  const { plan, origin } = prepare(graph, options);
  return new Map(
    plan.dispatches.flatMap(({ node, kernel }) =>
      (origin.get(node) ?? []).map(({ name }) => [name, kernel] as const),
    ),
  );
}

describe('onePixelAsLinear', () => {
  it.each<[DeviceFamily, number]>([
    ['gpu', 1],
    ['gpu', 2],
    ['llvmpipe', 1],
    ['swiftshader', 1],
  ])('has the gates of a network computed by linear_gemv on %s, of %i images', (family, batch) => {
    for (const precision of ['f32', 'f16'] as const) {
      const kernels = kernelsOf(network(batch), { device: profileOf(family), precision });
      for (const name of GATES) expect(kernels.get(name), name).toBe('linear_gemv');
      // What was folded and fused is in the same dispatch.
      for (const name of ['bn', 'c', 'd']) expect(kernels.get(name), name).toBe('linear_gemv');
      expect(kernels.get('stem')).not.toBe('linear_gemv');
    }
  });

  it.each<[DeviceFamily, number]>([
    ['gpu', 9],
    ['llvmpipe', 3],
    ['swiftshader', 3],
  ])('leaves them to the kernels of convolutions on %s, of %i images', (family, batch) => {
    const kernels = kernelsOf(network(batch), { device: profileOf(family) });
    for (const name of GATES) expect(kernels.get(name)).toMatch(/^conv2d_/);
  });

  it.each<[string, Shape, Conv2dOptions]>([
    ['several pixels', [1, 8, 1, 2], { channels: 4, kernel: 1 }],
    ['several taps', [1, 8, 2, 2], { channels: 4, kernel: 2 }],
    ['groups', [1, 8, 1, 1], { channels: 4, kernel: 1, groups: 2 }],
    ['padding before', [1, 8, 1, 1], { channels: 4, kernel: 1, padding: 1, stride: 3 }],
  ])('leaves convolutions of %s', (_, shape, options) => {
    const g = GraphBuilder.create();
    g.output('y', conv2d(g.at('conv'), g.input('x', shape), options));
    const mean = globalAveragePool2d(g.at('mean'), g.input('z', [1, 4, 3, 3]));
    g.output('z', conv2d(g.at('fc'), mean, { channels: 3, kernel: 1 }));
    for (const family of FAMILIES) {
      const kernels = kernelsOf(g.build('other'), { device: profileOf(family) });
      expect(kernels.get('conv')).toMatch(/^conv2d_/);
      expect(kernels.get('fc')).toBe('linear_gemv');
    }
  });

  it.each([1, 3])('computes what the reference does, for %i images', async (batch) => {
    const graph = network(batch);
    const inputs = inputsOf(graph);
    using session = await Session.create(device(), graph, { weights: syntheticWeights([]) });
    expectReference(graph, inputs, await session.run(inputs));
  });
});
