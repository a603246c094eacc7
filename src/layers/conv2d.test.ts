import { describe, expect, it } from 'vitest';
import { buildOne, evaluate } from '../../test/fixtures/build_one.ts';
import { buildConv2d, randomConv2d } from '../../test/fixtures/conv2d_case.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import type { DataByRole, Node } from '../runtime/graph.ts';
import { multiplyAddsOf } from '../runtime/operator.ts';
import type { Shape } from '../runtime/tensor.ts';
import { syntheticTensor } from '../runtime/weights/synthetic.ts';
import { type Conv2dOptions, conv2d, conv2dOp, conv2dReference } from './conv2d.ts';
import type { Conv2dAttributes } from './conv2d_problem.ts';

/** The definition, read literally: one sum over n, o, p, q, c, r, s, with zeros outside of the image. */
function byDefinition(node: Node<Conv2dAttributes>, data: DataByRole): Float64Array {
  const { stride, dilation, padding, groups } = node.attributes;
  const [, channels = 0, height = 0, width = 0] = node.inputs.x?.desc.shape ?? [];
  const [, groupIn = 0, kernelHeight = 0, kernelWidth = 0] = node.inputs.weight?.desc.shape ?? [];
  const [batch = 0, outputs = 0, rows = 0, columns = 0] = node.output.desc.shape;
  const x = (n: number, c: number, h: number, w: number): number => {
    const inside = h >= 0 && h < height && w >= 0 && w < width;
    return inside ? (data.x?.[((n * channels + c) * height + h) * width + w] ?? Number.NaN) : 0;
  };
  const y: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outputs; o++)
      for (let p = 0; p < rows; p++)
        for (let q = 0; q < columns; q++) {
          let sum = data.bias?.[o] ?? 0;
          const group = Math.floor(o / (outputs / groups));
          for (let c = 0; c < groupIn; c++)
            for (let r = 0; r < kernelHeight; r++)
              for (let s = 0; s < kernelWidth; s++) {
                const h = p * stride[0] + r * dilation[0] - padding.top;
                const w = q * stride[1] + s * dilation[1] - padding.left;
                const tap = ((o * groupIn + c) * kernelHeight + r) * kernelWidth + s;
                sum += x(n, group * groupIn + c, h, w) * (data.weight?.[tap] ?? Number.NaN);
              }
          y.push(sum);
        }
  return Float64Array.from(y);
}

function randomData(node: Node, seed: number): DataByRole {
  return Object.fromEntries(
    Object.entries(node.inputs).map(([role, { desc }]) => [
      role,
      Float64Array.from(syntheticTensor(`${role} ${seed}`, desc.shape)),
    ]),
  );
}

describe('conv2d reference', () => {
  it.each(seeds(60))('equals the definition for the random shape of seed %i', (seed) => {
    const test = { ...randomConv2d(new Random(seed)), epilogue: [] };
    const node = buildOne((g) => buildConv2d(g, test)) as Node<Conv2dAttributes>;
    const data = randomData(node, seed);
    const expected = byDefinition(node, data);
    const actual = conv2dReference(node, data);
    expect(actual.length, JSON.stringify(test)).toBe(expected.length);
    const furthest = actual.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? Number.NaN))),
      0,
    );
    // Both are f64 sums of at most a few thousand terms below 10, in another order.
    expect(furthest, JSON.stringify(test)).toBeLessThan(1e-10);
  });

  const IMAGE = Array.from({ length: 25 }, (_, i) => i);
  const ONES = new Array(9).fill(1);

  // The worked examples of the ONNX operator Conv.
  it.each<[string, Shape, Partial<Conv2dOptions>, number[]]>([
    [
      'padding 1',
      [1, 1, 5, 5],
      { padding: 1 },
      [
        12, 21, 27, 33, 24, 33, 54, 63, 72, 51, 63, 99, 108, 117, 81, 93, 144, 153, 162, 111, 72,
        111, 117, 123, 84,
      ],
    ],
    ['no padding', [1, 1, 5, 5], {}, [54, 63, 72, 99, 108, 117, 144, 153, 162]],
    [
      'stride 2, padding 1',
      [1, 1, 5, 5],
      { stride: 2, padding: 1 },
      [12, 27, 24, 63, 108, 81, 72, 117, 84],
    ],
    [
      'stride 2, padding above and below',
      [1, 1, 5, 5],
      { stride: 2, padding: [1, 0] },
      [21, 33, 99, 117, 111, 123],
    ],
  ])('gives the values worked out by hand for 3x3 ones, %s', (_, shape, options, expected) => {
    const y = evaluate(
      (g) =>
        conv2d(g.at('c'), g.input('x', shape), { channels: 1, kernel: 3, bias: false, ...options }),
      { x: IMAGE, 'c.weight': ONES },
    );
    expect(y).toEqual(expected);
  });

  it('takes weights as [output, input, row, column], and does not flip them', () => {
    const y = evaluate(
      (g) => conv2d(g.at('c'), g.input('x', [1, 2, 2, 2]), { channels: 2, kernel: [1, 2] }),
      {
        x: [1, 2, 3, 4, 5, 6, 7, 8],
        'c.weight': [1, 10, 100, 1000, 2, 0, 0, 0],
        'c.bias': [0, 0.5],
      },
    );
    // Output 0: 1 x[0][0] + 10 x[0][1] + 100 x[1][0] + 1000 x[1][1], row by row; output 1: 2 x[0][0] + 0.5.
    expect(y).toEqual([6521, 8743, 2.5, 6.5]);
  });

  it('cuts both sides of the channels into groups, in order', () => {
    const y = evaluate(
      (g) =>
        conv2d(g.at('c'), g.input('x', [1, 4, 1, 1]), {
          channels: 4,
          kernel: 1,
          groups: 2,
          bias: false,
        }),
      { x: [1, 10, 100, 1000], 'c.weight': [1, 1, 2, 0, 1, 1, 0, 3] },
    );
    expect(y).toEqual([11, 2, 1100, 3000]);
  });

  it('spaces the taps by the dilation', () => {
    const y = evaluate(
      (g) =>
        conv2d(g.at('c'), g.input('x', [1, 1, 1, 6]), {
          channels: 1,
          kernel: [1, 3],
          dilation: 2,
          bias: false,
        }),
      { x: [1, 2, 4, 8, 16, 32], 'c.weight': [1, 1, 1] },
    );
    expect(y).toEqual([21, 42]);
  });
});

describe('conv2d shapes', () => {
  it.each<[Shape, Conv2dOptions, Shape]>([
    [[1, 3, 224, 224], { channels: 64, kernel: 7, stride: 2, padding: 3 }, [1, 64, 112, 112]],
    [[2, 64, 56, 56], { channels: 256, kernel: 1, stride: 2 }, [2, 256, 28, 28]],
    [[1, 8, 9, 10], { channels: 8, kernel: 3, dilation: [2, 3], groups: 8 }, [1, 8, 5, 4]],
    [
      [1, 8, 8, 8],
      { channels: 5, kernel: 3, stride: 2, padding: { top: 0, left: 1, bottom: 1, right: 2 } },
      [1, 5, 4, 5],
    ],
  ])('%j with %j gives %j', (shape, options, expected) => {
    expect(buildOne((g) => conv2d(g, g.input('x', shape), options)).output.desc.shape).toEqual(
      expected,
    );
  });

  it('reads weight [outputs, inputs / groups, rows, columns] and bias [outputs] at its path', () => {
    const { inputs } = buildOne((g) =>
      conv2d(g.at('layer1').at(0).at('conv2'), g.input('x', [1, 8, 9, 9]), {
        channels: 6,
        kernel: [3, 5],
        groups: 2,
      }),
    );
    expect(Object.values(inputs).map(({ name, desc }) => [name, desc.shape])).toEqual([
      ['x', [1, 8, 9, 9]],
      ['layer1.0.conv2.weight', [6, 4, 3, 5]],
      ['layer1.0.conv2.bias', [6]],
    ]);
  });

  it('counts a multiply-add for each tap, input channel of the group and output', () => {
    const node = buildOne((g) =>
      conv2d(g, g.input('x', [2, 8, 9, 9]), { channels: 6, kernel: 3, groups: 2, stride: 2 }),
    );
    expect(multiplyAddsOf(node)).toBe(2 * 6 * 16 * 4 * 9);
  });

  const OPTIONS = { channels: 8, kernel: 3 };

  it.each<[string, Shape, Conv2dOptions, string]>([
    ['vectors', [1, 512], OPTIONS, 'expects a feature map [N, C, H, W], got [1, 512]'],
    [
      'images smaller than the kernel',
      [1, 3, 2, 9],
      OPTIONS,
      'a kernel of 3 with dilation 1 reaches 3, the input is 2 high and 2 with padding; give a larger input',
    ],
    [
      'images narrower than the dilated kernel',
      [1, 3, 9, 4],
      { ...OPTIONS, dilation: [1, 3], padding: [0, 1] },
      'a kernel of 3 with dilation 3 reaches 7, the input is 4 wide and 6 with padding; give a larger input',
    ],
    [
      'groups that do not divide the input channels',
      [1, 9, 8, 8],
      { ...OPTIONS, groups: 2 },
      '2 groups must divide 9 input channels and 8 output channels',
    ],
    [
      'groups that do not divide the output channels',
      [1, 9, 8, 8],
      { ...OPTIONS, groups: 3 },
      '3 groups must divide 9 input channels and 8 output channels',
    ],
    [
      'no groups',
      [1, 9, 8, 8],
      { ...OPTIONS, groups: 0 },
      '0 groups must divide 9 input channels and 8 output channels',
    ],
    [
      'strides of 0',
      [1, 3, 9, 9],
      { ...OPTIONS, stride: [1, 0] },
      'stride must be integers >= 1, got [1, 0]',
    ],
    [
      'broken dilations',
      [1, 3, 9, 9],
      { ...OPTIONS, dilation: 1.5 },
      'dilation must be integers >= 1, got [1.5, 1.5]',
    ],
    [
      'negative padding',
      [1, 3, 9, 9],
      { ...OPTIONS, padding: { top: 0, left: 0, bottom: 0, right: -1 } },
      'padding must be integers >= 0, got [0, 0, 0, -1]',
    ],
  ])('refuse %s', (_, shape, options, message) => {
    expect(() => buildOne((g) => conv2d(g.at('stem'), g.input('x', shape), options))).toThrow(
      expect.objectContaining({ name: 'ShapeError', message: `conv2d "stem": ${message}` }),
    );
  });

  const ATTRIBUTES: Conv2dAttributes = {
    kernel: [3, 3],
    stride: [1, 1],
    dilation: [1, 1],
    padding: { top: 1, left: 1, bottom: 1, right: 1 },
    groups: 1,
  };

  it.each<[string, Readonly<Record<string, Shape>>, string]>([
    [
      'a weight for other input channels',
      { x: [1, 128, 56, 56], weight: [64, 64, 3, 3] },
      'weight expects 64 input channels, the input has 128 [1, 128, 56, 56]',
    ],
    [
      'a weight of another kernel size',
      { x: [1, 64, 56, 56], weight: [64, 64, 1, 1] },
      'expects a weight [channels, channels / groups, 3, 3], got [64, 64, 1, 1]',
    ],
    [
      'a weight that is a matrix',
      { x: [1, 64, 56, 56], weight: [64, 64] },
      'expects a weight [channels, channels / groups, 3, 3], got [64, 64]',
    ],
    [
      'a bias of another length',
      { x: [1, 64, 56, 56], weight: [32, 64, 3, 3], bias: [64] },
      'expects bias [32], got [64]',
    ],
    ['a missing input', { weight: [32, 64, 3, 3] }, 'input "x" is missing'],
    ['a missing weight', { x: [1, 64, 56, 56] }, 'input "weight" is missing'],
  ])('refuse %s', (_, shapes, message) => {
    expect(() =>
      buildOne((g) => {
        const values = Object.entries(shapes).map(([role, shape]) => [role, g.weight(role, shape)]);
        return g
          .at('layer1')
          .at(0)
          .at('conv2')
          .add(conv2dOp, ATTRIBUTES, Object.fromEntries(values));
      }),
    ).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: `conv2d "layer1.0.conv2": ${message}`,
      }),
    );
  });
});
