import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { type Choose, checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { profileOf } from '../../test/fixtures/profiles.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { productsOfTaps, winogradOfPhases } from '../../test/fixtures/rounding_bounds.ts';
import type { DeviceFamily } from '../runtime/device_profile.ts';
import type { DataByRole, Node, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import type { Candidate } from '../runtime/kernel.ts';
import { multiplyAddsOf } from '../runtime/operator.ts';
import { selectKernel } from '../runtime/plan/select_kernels.ts';
import type { Shape } from '../runtime/tensor.ts';
import { syntheticTensor } from '../runtime/weights/synthetic.ts';
import { relu } from './activations.ts';
import { add } from './arithmetic.ts';
import {
  type ConvTranspose2dOptions,
  convTranspose2d,
  convTranspose2dOp,
  convTranspose2dReference,
} from './conv_transpose2d.ts';
import type { ConvTranspose2dAttributes } from './conv_transpose2d_problem.ts';

const ONCE: ConvTranspose2dAttributes = {
  kernel: [1, 1],
  stride: [1, 1],
  dilation: [1, 1],
  padding: { top: 0, left: 0, bottom: 0, right: 0 },
  outputPadding: [0, 0],
  groups: 1,
};

interface Case extends ConvTranspose2dOptions {
  readonly x: Shape;
  /** What follows, for kernels to fuse. */
  readonly epilogue?: readonly ('residual' | 'relu')[];
}

function build(g: GraphBuilder, { x, epilogue = [], ...options }: Case): Value {
  let y: Value = convTranspose2d(g.at('up'), g.input('x', x), options);
  if (epilogue.includes('residual')) y = add(g, g.input('residual', y.desc.shape), y);
  return epilogue.includes('relu') ? relu(g, y) : y;
}

/** Sizes are odd unless the claim says otherwise. */
const CASES: readonly [claim: string, test: Case][] = [
  ['2x2, stride 2', { x: [1, 6, 5, 7], channels: 5, kernel: 2, stride: 2 }],
  [
    '2x2, stride 2, residual and relu',
    { x: [2, 6, 3, 4], channels: 8, kernel: 2, stride: 2, epilogue: ['residual', 'relu'] },
  ],
  ['4x4, stride 2, padding 1', { x: [2, 5, 4, 3], channels: 3, kernel: 4, stride: 2, padding: 1 }],
  [
    '3x3, stride 2, padding 1, a row and a column more',
    { x: [1, 7, 5, 3], channels: 9, kernel: 3, stride: 2, padding: 1, outputPadding: 1 },
  ],
  [
    '9x9, stride 3, padding 4, to one channel',
    { x: [1, 4, 5, 4], channels: 1, kernel: 9, stride: 3, padding: 4, outputPadding: 2 },
  ],
  ['3x3, stride 1', { x: [2, 5, 5, 7], channels: 4, kernel: 3, epilogue: ['relu'] }],
  [
    '3x3, stride 1, padding 1',
    { x: [2, 5, 5, 7], channels: 4, kernel: 3, padding: 1, bias: false },
  ],
  [
    '3x3, stride 1, more padding than the kernel reaches',
    { x: [1, 3, 9, 8], channels: 4, kernel: 3, padding: { top: 3, left: 4, bottom: 2, right: 1 } },
  ],
  ['1x1, stride 1', { x: [3, 5, 1, 4], channels: 6, kernel: 1 }],
  [
    '1x1, stride 2, which leaves gaps',
    { x: [1, 5, 3, 4], channels: 6, kernel: 1, stride: 2, outputPadding: 1 },
  ],
  ['2x3, strides 3 and 2', { x: [2, 3, 4, 3], channels: 5, kernel: [2, 3], stride: [3, 2] }],
  [
    'dilations 2 and 3, stride 1',
    { x: [1, 4, 6, 5], channels: 3, kernel: 3, dilation: [2, 3], padding: 2 },
  ],
  [
    'dilations 2 and 3, strides 2 and 4',
    { x: [2, 4, 4, 3], channels: 3, kernel: 3, dilation: [2, 3], stride: [2, 4], padding: 1 },
  ],
  [
    'in 3 groups, residual',
    { x: [2, 6, 4, 3], channels: 9, kernel: 3, stride: 2, groups: 3, epilogue: ['residual'] },
  ],
  [
    'a group for each channel',
    { x: [1, 5, 6, 7], channels: 5, kernel: 4, stride: 2, padding: 1, groups: 5, bias: false },
  ],
  ['a group for each channel, stride 1', { x: [1, 3, 6, 7], channels: 6, kernel: 3, groups: 3 }],
  [
    'each side padded in its own way',
    {
      ...{ x: [1, 3, 4, 5], channels: 2, kernel: [5, 4], stride: [2, 3] },
      ...{ padding: { top: 3, left: 0, bottom: 1, right: 5 }, outputPadding: [0, 2] },
    },
  ],
  [
    'many rows more than the input reaches',
    { x: [1, 2, 2, 2], channels: 3, kernel: 2, outputPadding: 5 },
  ],
  ['one pixel', { x: [1, 3, 1, 1], channels: 4, kernel: 4 }],
  ['one weight', { x: [1, 1, 1, 1], channels: 1, kernel: 1 }],
  ['wide enough for fours', { x: [1, 16, 8, 8], channels: 16, kernel: 4, stride: 2, padding: 1 }],
];

/** Any kernel, stride, dilation, padding and groups. */
function randomCase(random: Random): Case {
  const groups = random.chance(0.3) ? random.int(2, 4) : 1;
  const side = () => {
    const kernel = random.int(1, 5);
    const stride = random.int(1, 4);
    const dilation = random.pick([1, 1, 2, 3]);
    const extent = random.int(1, 7);
    const outputPadding = random.pick([0, 0, 1, 2]);
    const whole = (extent - 1) * stride + (kernel - 1) * dilation + 1 + outputPadding;
    const before = random.int(0, Math.min(whole - 1, kernel + 1));
    const after = random.int(0, Math.min(whole - 1 - before, kernel));
    return { kernel, stride, dilation, extent, outputPadding, before, after };
  };
  const [h, w] = [side(), side()];
  return {
    x: [random.int(1, 3), groups * random.int(1, 6), h.extent, w.extent],
    channels: groups * random.int(1, 6),
    kernel: [h.kernel, w.kernel],
    stride: [h.stride, w.stride],
    dilation: [h.dilation, w.dilation],
    padding: { top: h.before, left: w.before, bottom: h.after, right: w.after },
    outputPadding: [h.outputPadding, w.outputPadding],
    groups,
    bias: random.chance(0.5),
    epilogue: random.pick([[], ['relu'], ['residual']] as const),
  };
}

/** The definition of each output: the taps whose distance from it is a multiple of the stride. */
function byDefinition(node: Node<ConvTranspose2dAttributes>, data: DataByRole): Float64Array {
  const { stride, dilation, padding, groups } = node.attributes;
  const [, channels = 0, height = 0, width = 0] = node.inputs.x?.desc.shape ?? [];
  const [, groupOut = 0, kernelHeight = 0, kernelWidth = 0] = node.inputs.weight?.desc.shape ?? [];
  const [batch = 0, outputs = 0, rows = 0, columns = 0] = node.output.desc.shape;
  const x = (n: number, c: number, h: number, w: number): number => {
    const inside = h >= 0 && h < height && w >= 0 && w < width;
    const whole = Number.isInteger(h) && Number.isInteger(w);
    const at = ((n * channels + c) * height + h) * width + w;
    return inside && whole ? (data.x?.[at] ?? Number.NaN) : 0;
  };
  const y: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outputs; o++)
      for (let p = 0; p < rows; p++)
        for (let q = 0; q < columns; q++) {
          let sum = data.bias?.[o] ?? 0;
          const group = Math.floor(o / groupOut);
          for (let i = 0; i < channels / groups; i++)
            for (let r = 0; r < kernelHeight; r++)
              for (let s = 0; s < kernelWidth; s++) {
                const c = group * (channels / groups) + i;
                const h = (p + padding.top - r * dilation[0]) / stride[0];
                const w = (q + padding.left - s * dilation[1]) / stride[1];
                const tap = ((c * groupOut + (o % groupOut)) * kernelHeight + r) * kernelWidth + s;
                sum += x(n, c, h, w) * (data.weight?.[tap] ?? Number.NaN);
              }
          y.push(sum);
        }
  return Float64Array.from(y);
}

describe('conv_transpose2d reference', () => {
  it.each(seeds(60))('equals the definition for the random shape of seed %i', (seed) => {
    const test = { ...randomCase(new Random(seed)), epilogue: [] };
    const node = buildOne((g) => build(g, test)) as Node<ConvTranspose2dAttributes>;
    const data = Object.fromEntries(
      Object.entries(node.inputs).map(([role, { desc }]) => [
        role,
        Float64Array.from(syntheticTensor(`${role} ${seed}`, desc.shape)),
      ]),
    );
    const expected = byDefinition(node, data);
    const actual = convTranspose2dReference(node, data);
    expect(actual.length).toBe(expected.length);
    const furthest = actual.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? Number.NaN))),
      0,
    );
    // Both are f64 sums of at most a few hundred terms below 10, in another order.
    expect(furthest, JSON.stringify(test)).toBeLessThan(1e-11);
  });

  it('gives the values of the worked example of the ONNX operator ConvTranspose', () => {
    const y = evaluate(
      (g) =>
        convTranspose2d(g.at('up'), g.input('x', [1, 1, 3, 3]), {
          ...{ channels: 2, kernel: 3, bias: false },
        }),
      { x: [0, 1, 2, 3, 4, 5, 6, 7, 8], 'up.weight': new Array(18).fill(1) },
    );
    const plane = [
      0, 1, 3, 3, 2, 3, 8, 15, 12, 7, 9, 21, 36, 27, 15, 9, 20, 33, 24, 13, 6, 13, 21, 15, 8,
    ];
    expect(y).toEqual([...plane, ...plane]);
  });

  it('takes weights as [input, output, row, column], and cuts both into groups', () => {
    const y = evaluate(
      (g) =>
        convTranspose2d(g.at('up'), g.input('x', [1, 2, 1, 1]), {
          ...{ channels: 4, kernel: [1, 2], groups: 2 },
        }),
      { x: [1, 10], 'up.weight': [1, 2, 3, 4, 5, 6, 7, 8], 'up.bias': [0, 0.5, 0, 0] },
    );
    expect(y).toEqual([1, 2, 3.5, 4.5, 50, 60, 70, 80]);
  });
});

describe('convTranspose2d', () => {
  const named = (options: Partial<Case>) =>
    build(GraphBuilder.create(), { x: [1, 4, 5, 6], channels: 4, kernel: 3, ...options });

  it.each<[string, Partial<Case>, string]>([
    [
      'nothing that is left',
      { padding: 4 },
      'conv_transpose2d "up": the padding 4 and 4 leaves nothing of an output 7 high; give less padding',
    ],
    [
      'groups that do not divide the channels',
      { groups: 3, channels: 6 },
      'conv_transpose2d "up": 3 groups must divide 4 input channels',
    ],
    ['a stride of 0', { stride: 0 }, 'stride must be integers >= 1, got [0, 0]'],
    ['a negative padding', { padding: -1 }, 'padding must be integers >= 0, got [-1, -1, -1, -1]'],
    [
      'an output beyond any size',
      { stride: 2 ** 30 },
      'a map would be 4294967299 high with its padding; at most 1073741824 is',
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => named(options)).toThrow(message);
  });

  it('counts the multiply-adds as PyTorch users do: each pixel with each tap', () => {
    const node = buildOne((g) =>
      build(g, { x: [2, 4, 5, 6], channels: 8, kernel: 3, stride: 2, groups: 2 }),
    );
    expect(multiplyAddsOf(node)).toBe(2 * 4 * 5 * 6 * 4 * 9);
  });
});

const device = useDevice();

/** `conv_transpose2d_phases on conv2d_direct` */
function nameOf({ kernel, config }: Candidate): string {
  return 'convolution' in config ? `${kernel} on ${config.convolution}` : kernel;
}

/** The best guess of each kernel with each convolution inside, but for Winograd's, which has another bound. */
const eachInside: Choose = (candidates) => {
  const names = candidates.map(nameOf);
  return candidates.filter(
    (candidate, i) => names.indexOf(nameOf(candidate)) === i && !names[i]?.endsWith('winograd'),
  );
};

const onWinograd: Choose = (candidates) =>
  candidates
    .filter((candidate) => nameOf(candidate) === 'conv_transpose2d_phases on conv2d_winograd')
    .filter(({ config }) => JSON.stringify(config).includes('"tile":2'))
    .slice(0, 1);

async function check(test: Case, more: Partial<KernelCase> = {}): Promise<void> {
  await checkKernels(device(), {
    op: 'conv_transpose2d',
    build: (g) => build(g, test),
    bound: productsOfTaps,
    choose: eachInside,
    ...more,
  });
}

describe('conv_transpose2d', () => {
  it.each(CASES)('agrees with the reference on every kernel: %s', async (_, test) => {
    await check(test);
  });

  it.each<[string, Case]>([
    ['3x3, stride 1', { x: [2, 5, 5, 7], channels: 4, kernel: 3, epilogue: ['relu'] }],
    ['9x9, stride 3', { x: [2, 4, 5, 4], channels: 2, kernel: 9, stride: 3, padding: 4 }],
  ])('agrees with the reference by Winograd: %s', async (_, test) => {
    // In f16 it would magnify the rounding of the weights: it is not offered.
    await check(test, { choose: onWinograd, bound: winogradOfPhases, variants: ['views'] });
  });

  it('agrees with the reference on what multiplies on GPUs', async () => {
    if (device().profile.family === 'swiftshader') {
      console.log(`skipped: "${device().adapter.name}" takes minutes to compile this`);
      return;
    }
    const onTiles: Choose = (_, node, profile) => [
      ...node.op
        .candidates(node, { ...profile, family: 'gpu' })
        .filter(({ config }) => JSON.stringify(config).includes('"pixelQuads":1,"channelQuads":1'))
        .slice(0, 1),
    ];
    const test: Case = { x: [2, 5, 4, 3], channels: 3, kernel: 4, stride: 2, padding: 1 };
    await check(test, { choose: onTiles });
  });

  it('agrees with the reference where a dispatch has several rows of workgroups', async () => {
    const test: Case = { x: [2, 3, 9, 11], channels: 5, kernel: 3, stride: 2 };
    await check(test, { variants: [], workgroupsPerDimension: 3 });
  });

  it.each(seeds(12))('agrees with the reference for the random shape of seed %i', async (seed) => {
    await check(randomCase(new Random(1000 + seed)), { variants: [] });
  });
});

describe('the choice', () => {
  const chosen = (test: Case, family: DeviceFamily): string =>
    nameOf(
      selectKernel(
        buildOne((g) => build(g, test)),
        profileOf(family),
      ),
    );

  it.each(['swiftshader', 'llvmpipe', 'gpu'] as const)(
    'on a %s is a convolution, unless weights are computed',
    (family) => {
      const up: Case = { x: [1, 256, 14, 14], channels: 256, kernel: 2, stride: 2 };
      expect(chosen(up, family)).toMatch(/^conv_transpose2d_\w+ on conv2d_/);
      const dynamic = buildOne((g) => {
        const [x, weight] = [g.input('x', [1, 2, 4, 4]), g.input('w', [2, 3, 2, 2])];
        const attributes = { ...ONCE, kernel: [2, 2], stride: [2, 2] } as const;
        return g.add(convTranspose2dOp, attributes, { x, weight });
      });
      expect(dynamic.op.candidates(dynamic, profileOf(family)).map(nameOf)).toEqual([
        'conv2d_gather',
      ]);
    },
  );

  it('multiplies no zeros where filling up a kernel would cost more than adding up', () => {
    const half: Case = { x: [1, 128, 32, 32], channels: 64, kernel: 3, stride: 2, padding: 1 };
    expect(chosen(half, 'llvmpipe')).toBe('conv_transpose2d_columns on conv2d_direct');
    const whole: Case = { ...half, kernel: 5, stride: 5, padding: 0 };
    expect(chosen(whole, 'llvmpipe')).toBe('conv_transpose2d_phases on conv2d_direct');
  });

  it('stores no more between the passes than a buffer holds', () => {
    const node = buildOne((g) => build(g, { x: [1, 4, 64, 64], channels: 4, kernel: 9 }));
    const least = 4 * 4 * 72 * 72;
    const small = profileOf('llvmpipe', { maxStorageBufferBindingSize: least });
    expect([...new Set(node.op.candidates(node, small).map(({ kernel }) => kernel))]).toEqual([
      'conv_transpose2d_phases',
      'conv2d_gather',
    ]);
  });

  it('fills no weights up beyond what a buffer holds', () => {
    const node = buildOne((g) => build(g, { x: [1, 16, 1, 1], channels: 4, kernel: 2, stride: 5 }));
    const filledUp = 4 * 16 * 4 * 5 * 5;
    const small = profileOf('llvmpipe', { maxStorageBufferBindingSize: filledUp - 4 });
    expect([...new Set(node.op.candidates(node, small).map(({ kernel }) => kernel))]).toEqual([
      'conv_transpose2d_columns',
      'conv2d_gather',
    ]);
  });
});

describe('weights that are computed', () => {
  it.each<[string, Shape, Partial<ConvTranspose2dAttributes>]>([
    ['2x2, stride 2', [4, 3, 2, 2], { kernel: [2, 2], stride: [2, 2] }],
    ['in groups', [4, 3, 3, 2], { kernel: [3, 2], groups: 2, dilation: [2, 1] }],
  ])('give what the reference gives: %s', async (_, shape, attributes) => {
    await checkKernels(device(), {
      op: 'conv_transpose2d',
      build(g) {
        const x = g.input('x', [2, 4, 5, 3]);
        const weight = g.input('weight', shape);
        const bias = g.input('bias', [3 * (attributes.groups ?? 1)]);
        return g.add(convTranspose2dOp, { ...ONCE, ...attributes }, { x, weight, bias });
      },
      bound: productsOfTaps,
      variants: ['f16'],
    });
  });
});
