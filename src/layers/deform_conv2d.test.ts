import { describe, expect, it } from 'vitest';
import { buildOne, evaluate, graphOf } from '../../test/fixtures/build_one.ts';
import { type Choose, checkKernels } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { deformConv2d as bound } from '../../test/fixtures/rounding_bounds.ts';
import { createSession } from '../create_session.ts';
import { prepare } from '../prepare.ts';
import { ANY_GPU, largestBuffer } from '../runtime/device_profile.ts';
import type { Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { syntheticTensor, syntheticWeights } from '../runtime/weights/synthetic.ts';
import { relu } from './activations.ts';
import { add } from './arithmetic.ts';
import { batchNorm } from './batch_norm.ts';
import { conv2d } from './conv2d.ts';
import { type DeformConv2dOptions, deformConv2d, deformConv2dOp } from './deform_conv2d.ts';
import { pair } from './window.ts';

const device = useDevice();

/** Of each convolution that reads the columns, the best guess. */
const oneOfEach: Choose = (candidates) => {
  const convolution = ({ config }: { readonly config: object }) =>
    'convolution' in config ? config.convolution : undefined;
  return candidates.filter(
    (one, i) => candidates.findIndex((other) => convolution(other) === convolution(one)) === i,
  );
};

interface Case extends DeformConv2dOptions {
  readonly x: Shape;
  readonly places: readonly [number, number];
  readonly offsetGroups?: number;
  readonly masked?: boolean;
}

const CASES: readonly Case[] = [
  { x: [2, 3, 5, 6], places: [5, 6], channels: 4, kernel: 3, padding: 1, masked: true },
  { x: [1, 4, 7, 5], places: [3, 2], channels: 6, kernel: 3, stride: 2, groups: 2 },
  {
    ...{ x: [1, 6, 6, 7], places: [6, 4], channels: 3, kernel: [2, 3], stride: [1, 2] },
    ...{ dilation: [2, 1], padding: { top: 1, left: 2, bottom: 1, right: 0 } },
    ...{ offsetGroups: 3, groups: 3, masked: true },
  },
  { x: [3, 20, 4, 4], places: [4, 4], channels: 9, kernel: 1, bias: false, offsetGroups: 2 },
  { x: [1, 1, 1, 1], places: [1, 1], channels: 1, kernel: 3, padding: 1 },
  { x: [1, 18, 3, 3], places: [3, 3], channels: 70, kernel: 3, padding: 1, masked: true },
];

function build(g: GraphBuilder, { x, places, offsetGroups = 1, masked, ...options }: Case) {
  const [images = 1] = x;
  const taps = elementCount(pair(options.kernel)) * offsetGroups;
  const offset = g.input('offset', [images, 2 * taps, ...places]);
  const mask = masked ? g.input('mask', [images, taps, ...places]) : undefined;
  return deformConv2d(g.at('deform'), g.input('x', x), offset, { ...options, mask });
}

function withComputedWeights(g: GraphBuilder): Value {
  const inputs = {
    x: g.input('x', [2, 4, 5, 5]),
    offset: g.input('offset', [2, 8, 4, 4]),
    weight: g.input('weight', [6, 2, 2, 2]),
    bias: g.input('bias', [6]),
  };
  const padding = { top: 0, left: 0, bottom: 0, right: 0 };
  const window = { kernel: [2, 2], stride: [1, 1], dilation: [1, 1] } as const;
  return g.at('deform').add(deformConv2dOp, { ...window, padding, groups: 2 }, inputs);
}

describe('deform_conv2d', () => {
  it.each(CASES)('agrees with the reference: %j', async (one) => {
    await checkKernels(device(), {
      op: 'deform_conv2d',
      build: (g) => build(g, one),
      bound,
      choose: oneOfEach,
      workgroupsPerDimension: 3,
    });
    await checkKernels(device(), {
      op: 'deform_conv2d',
      build: (g) => relu(g.at('relu'), build(g, one)),
      bound,
    });
  });

  it('takes weights that are computed', async () => {
    await checkKernels(device(), {
      op: 'deform_conv2d',
      build: withComputedWeights,
      bound,
      // Slices of weights are no weights.
      variants: ['f16'],
    });
  });

  it.each(CASES)('takes columns in bands where a buffer holds no more: %j', async (one) => {
    const [images = 1, channels = 1] = one.x;
    const column = 4 * images * channels * elementCount(pair(one.kernel));
    await checkKernels(device(), {
      op: 'deform_conv2d',
      // Planes of an epilogue's operand, too, begin at the first window.
      build(g) {
        const y = build(g, one);
        return add(g.at('add'), y, g.input('other', y.desc.shape));
      },
      bound,
      largestBuffer: 11 * column,
    });
  });

  it('takes columns in bands by weights that are computed', async () => {
    await checkKernels(device(), {
      op: 'deform_conv2d',
      build: withComputedWeights,
      bound,
      largestBuffer: 5 * 4 * 2 * 4 * 4,
      variants: [],
    });
  });

  it('takes as few bands as fit, of which each fits', () => {
    const graph = graphOf((g) =>
      build(g, { x: [1, 256, 200, 200], places: [200, 200], channels: 8, kernel: 3, padding: 1 }),
    );
    const { plan } = prepare(graph, { device: ANY_GPU });
    const scratch = plan.activations.storages.find(({ name }) => name === 'deform (deformed)');
    const bytes = 256 * 9 * 200 * 200 * 4;
    const bands = Math.ceil(bytes / largestBuffer(ANY_GPU));
    expect(scratch?.bytes).toBe(256 * 9 * Math.ceil((200 * 200) / bands / 4) * 4 * 4);
    const gathering = plan.dispatches.filter(({ lowered }) =>
      lowered.bindings.some(({ value }) => value === 'offset'),
    );
    expect(gathering).toHaveLength(bands);
    expect(new Set(gathering.map(({ source }) => source)).size).toBe(1);
  });

  it('says what is too large where the columns of one window are', () => {
    const small = { ...ANY_GPU, limits: { ...ANY_GPU.limits, maxBufferSize: 2 ** 16 } };
    const graph = graphOf((g) =>
      build(g, {
        x: [1024, 16, 1, 1],
        places: [1, 1],
        channels: 1,
        kernel: [1, 3],
        padding: [0, 1],
      }),
    );
    expect(() => prepare(graph, { device: small })).toThrow(
      '"deform (deformed)" takes 196608 bytes, a buffer of this device holds at most 65536; use a smaller batch, image or model',
    );
  });

  it('is a convolution where nothing is moved', () => {
    const options = { channels: 3, kernel: 3, stride: 2, padding: 1, groups: 2 } as const;
    const data = {
      x: syntheticTensor('x', [1, 4, 5, 7]),
      'conv.weight': syntheticTensor('w', [3 * 2, 2, 3, 3]),
      'conv.bias': syntheticTensor('b', [6]),
    };
    const map = (g: GraphBuilder) => g.input('x', [1, 4, 5, 7]);
    const plain = evaluate((g) => conv2d(g.at('conv'), map(g), { ...options, channels: 6 }), data);
    const offset = new Float32Array(18 * 3 * 4);
    const deformed = evaluate(
      (g) =>
        deformConv2d(g.at('conv'), map(g), g.input('offset', [1, 18, 3, 4]), {
          ...options,
          channels: 6,
        }),
      { ...data, offset },
    );
    expect(deformed).toEqual(plain);
  });

  it('moves down by the first offset of a tap, and to the right by the second', () => {
    const of = (down: number, across: number) =>
      evaluate(
        (g) =>
          deformConv2d(g.at('d'), g.input('x', [1, 1, 2, 2]), g.input('offset', [1, 2, 1, 1]), {
            ...{ channels: 1, kernel: 1, stride: 2, bias: false },
          }),
        { x: [1, 2, 4, 8], offset: [down, across], 'd.weight': [1] },
      );
    expect(of(0, 0)).toEqual([1]);
    expect(of(1, 0)).toEqual([4]);
    expect(of(0, 1)).toEqual([2]);
    expect(of(0.5, 0.25)).toEqual([3.125]);
    // Half a pixel outside, one whole pixel outside.
    expect(of(-0.5, 0)).toEqual([0.5]);
    expect(of(0, 2)).toEqual([0]);
  });

  it('folds a batch norm that follows', async () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 3, 4, 4]);
    const offset = conv2d(g.at('offset'), x, { channels: 8, kernel: 2 });
    const y = deformConv2d(g.at('deform'), x, offset, { channels: 5, kernel: 2 });
    g.output('y', batchNorm(g.at('norm'), y));
    using session = await createSession(device(), g.build('folded'), {
      weights: syntheticWeights([]),
    });
    const ops = session.plan.graph.nodes.map(({ op }) => op.name);
    expect(ops).toEqual(['conv2d', 'deform_conv2d']);
  });

  it('refuses sizes that do not fit', () => {
    const of = (offset: Shape, mask?: Shape) => () =>
      buildOne((g) =>
        deformConv2d(g.at('deform'), g.input('x', [1, 4, 5, 5]), g.input('offset', offset), {
          ...{ channels: 2, kernel: 2, mask: mask && g.input('mask', mask) },
        }),
      );
    expect(of([1, 12, 4, 4])).toThrow(
      'deform_conv2d "deform": expects 2 * 4 offsets for each of the groups that 4 input channels have, got [1, 12, 4, 4]',
    );
    expect(of([1, 24, 4, 4])).toThrow('expects 2 * 4 offsets for each of the groups');
    expect(of([1, 16, 5, 4])).toThrow(
      'deform_conv2d "deform": expects offset [1, 16, 4, 4], got [1, 16, 5, 4]',
    );
    expect(of([1, 16, 4, 4], [1, 4, 4, 4])).toThrow(
      'deform_conv2d "deform": expects mask [1, 8, 4, 4], got [1, 4, 4, 4]',
    );
  });
});
