/** Every operator of this library as ONNX has it: read back, and run by onnxruntime where that is installed. */
import { describe, expect, it } from 'vitest';
import { expectReference, inputsOf, largest } from '../../test/fixtures/compare_graphs.ts';
import { expectClose } from '../../test/fixtures/expect_close.ts';
import { findOnnxRuntime, runOnnxRuntime } from '../../test/fixtures/onnxruntime.ts';
import { clip, hardSigmoid, hardSwish, leakyRelu, sigmoid } from '../layers/activations.ts';
import { adaptiveAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { add } from '../layers/add.ts';
import { batchNorm } from '../layers/batch_norm.ts';
import { binary } from '../layers/binary.ts';
import { concat } from '../layers/concat.ts';
import { conv2d } from '../layers/conv2d.ts';
import { convertOp } from '../layers/convert.ts';
import { flatten } from '../layers/flatten.ts';
import { operators } from '../layers/index.ts';
import { linear } from '../layers/linear.ts';
import { localResponseNorm } from '../layers/local_response_norm.ts';
import { matmul } from '../layers/matmul.ts';
import { pad2d } from '../layers/pad2d.ts';
import { averagePool2d, maxPool2d } from '../layers/pool2d.ts';
import { reduce } from '../layers/reduce.ts';
import { relu } from '../layers/relu.ts';
import { reshapeTo } from '../layers/reshape.ts';
import { resize2d } from '../layers/resize2d.ts';
import { softmax } from '../layers/softmax.ts';
import type { Graph, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { runReference } from '../runtime/reference/run_reference.ts';
import type { Shape } from '../runtime/tensor.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { exportOnnx } from './export.ts';
import { loadOnnx } from './import.ts';

const weights = syntheticWeights([]);
const MAP: Shape = [2, 3, 6, 5];
const SIDES = { top: 1, left: 2, bottom: 0, right: 1 };

type Build = (g: GraphBuilder) => Value;
const map = (g: GraphBuilder) => g.input('x', MAP);
const pair = (g: GraphBuilder, a: Shape, b: Shape) => [g.input('x', a), g.input('z', b)] as const;

/** Each is read back, too: what is written with operators that are read for constants only has a test of its own. */
const CASES: readonly (readonly [op: string, what: string, build: Build])[] = [
  ['conv2d', 'in groups', (g) => conv2d(g, map(g), { channels: 6, kernel: 3, groups: 3 })],
  ['max_pool2d', 'with padding', (g) => maxPool2d(g, map(g), { kernel: 3, stride: 2, padding: 1 })],
  [
    'average_pool2d',
    'in ceil mode',
    (g) => averagePool2d(g, map(g), { kernel: 2, ceilMode: true }),
  ],
  ['average_pool2d', 'dilated', (g) => averagePool2d(g, map(g), { kernel: 2, dilation: 2 })],
  ['adaptive_average_pool2d', 'of parts', (g) => adaptiveAveragePool2d(g, map(g), [3, 5])],
  ['batch_norm', 'of maps', (g) => batchNorm(g, map(g))],
  ['add', 'of maps', (g) => add(g, ...pair(g, MAP, MAP))],
  ['relu', 'of maps', (g) => relu(g, map(g))],
  ['linear', 'of rows', (g) => linear(g, g.input('x', [2, 7]), { features: 4 })],
  ['softmax', 'over channels', (g) => softmax(g, map(g))],
  ['softmax', 'over the last axis', (g) => softmax(g, map(g), 3)],
  ['flatten', 'of maps', (g) => flatten(g, map(g))],
  ['concat', 'of channels', (g) => concat(g, pair(g, MAP, MAP))],
  ['resize2d', 'bilinear', (g) => resize2d(g, map(g), { mode: 'bilinear', scale: 2 })],
  ['clip', 'on both sides', (g) => clip(g, map(g), { least: -0.5, most: 0.75 })],
  ['clip', 'from above', (g) => clip(g, map(g), { most: 0.75 })],
  ['leaky_relu', 'of maps', (g) => leakyRelu(g, map(g), 0.2)],
  ['sigmoid', 'of maps', (g) => sigmoid(g, map(g))],
  ['hard_sigmoid', 'of maps', (g) => hardSigmoid(g, map(g))],
  ['hard_swish', 'of maps', (g) => hardSwish(g, map(g))],
  ['convert', 'of maps', (g) => g.add(convertOp, { dtype: 'f32' }, { x: map(g) })],
  ['binary', 'sub, repeated', (g) => binary(g, 'sub', ...pair(g, MAP, [3, 1, 1]))],
  ['binary', 'add, repeated', (g) => binary(g, 'add', ...pair(g, MAP, [5]))],
  ['binary', 'mul', (g) => binary(g, 'mul', ...pair(g, MAP, MAP))],
  [
    'binary',
    'div',
    (g) => binary(g, 'div', map(g), clip(g.at('clip'), g.input('z', MAP), { least: 1 })),
  ],
  ['matmul', 'of stacks', (g) => matmul(g, ...pair(g, [2, 3, 4], [2, 4, 5]))],
  ['matmul', 'scaled', (g) => matmul(g, ...pair(g, [2, 3, 4], [4, 5]), { scale: 0.5 })],
  [
    'matmul',
    'of matrices, transposed and scaled',
    (g) =>
      matmul(g, ...pair(g, [4, 3], [5, 4]), { transposeA: true, transposeB: true, scale: 0.5 }),
  ],
  ['reduce', 'mean, axes kept', (g) => reduce(g, map(g), over('mean', 2, 4, true))],
  ['reduce', 'mean of one axis', (g) => reduce(g, map(g), over('mean', 1, 2, false))],
  ['reduce', 'maximum', (g) => reduce(g, map(g), over('max', 2, 3, false))],
  ['local_response_norm', 'over five', (g) => localResponseNorm(g, map(g), { size: 5, alpha: 1 })],
  ['pad2d', 'constant', (g) => pad2d(g, map(g), SIDES, { value: 0.5 })],
  ['pad2d', 'reflected', (g) => pad2d(g, map(g), SIDES, { mode: 'reflect' })],
  ['pad2d', 'of the edge', (g) => pad2d(g, map(g), SIDES, { mode: 'edge' })],
  ['pad2d', 'negative', (g) => pad2d(g, map(g), { top: -1, left: 1, bottom: 0, right: -2 })],
  ['reshape', 'of maps', (g) => reshapeTo(g, map(g), [2, -1, 5])],
  ['reshape', 'across the batch', (g) => reshapeTo(g, map(g), [6, 30])],
];

function over(kind: 'mean' | 'max', from: number, to: number, keepAxes: boolean) {
  return { kind, from, to, keepAxes } as const;
}

function built(build: Build): Graph {
  const g = GraphBuilder.create();
  g.output('y', build(g.at('layer')));
  return g.build('one');
}

async function checkByOnnxRuntime(graph: Graph): Promise<void> {
  const onnxruntime = findOnnxRuntime();
  if (!onnxruntime) return;
  const inputs = inputsOf(graph);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, desc }) => [
      name,
      { data: inputs[name] ?? new Float32Array(), shape: desc.shape },
    ]),
  );
  const { y } = await runOnnxRuntime(onnxruntime, exportOnnx(graph, weights), feeds);
  expect(y?.dims).toEqual(graph.outputs.get('y')?.desc.shape);
  expectReference(graph, inputs, { y: y?.data ?? new Float32Array() });
}

function checkReadBack(graph: Graph): void {
  const read = loadOnnx(exportOnnx(graph, weights));
  const inputs = inputsOf(graph);
  const outputOf = (of: Graph, from = weights) => {
    const output = of.outputs.get('y');
    const data = output && runReference(of, operators, from, inputs).get(output);
    return { shape: output?.desc.shape ?? [], data: data ?? new Float64Array() };
  };
  const [expected, actual] = [outputOf(graph), outputOf(read.graph, read.weights)];
  expect(actual.shape).toEqual(expected.shape);
  const tolerance = 1e-6 * largest(expected.data);
  expectClose(Float32Array.from(actual.data), expected.data, tolerance, actual.shape, 'y');
}

describe('exportOnnx', () => {
  it('has cases of every operator', () => {
    // What classifiers read back is no part of a network, and has no like in ONNX.
    const exported = [...operators.keys()].filter((op) => op !== 'top_k');
    expect(new Set(CASES.map(([op]) => op))).toEqual(new Set(exported));
  });

  it.each(CASES)('writes %s, %s', async (_, __, build) => {
    const graph = built(build);
    checkReadBack(graph);
    await checkByOnnxRuntime(graph);
  });

  it('writes stacks of matrices that are transposed for other runtimes', async () => {
    const options = { transposeA: true, transposeB: true };
    await checkByOnnxRuntime(built((g) => matmul(g, ...pair(g, [2, 4, 3], [2, 5, 4]), options)));
  });
});
