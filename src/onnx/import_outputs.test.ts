/** Files that are read up to chosen values, such as detectors that end in an operator which is not read. */
import { describe, expect, it } from 'vitest';
import { inputsOf, referenceOutputs } from '../../test/fixtures/compare_graphs.ts';
import {
  type GraphInit,
  graphAttribute,
  onnxInput as input,
  int,
  ints,
  onnxFile,
  onnxNode,
  onnxTensor,
} from '../../test/fixtures/onnx_model.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { loadOnnx } from './import.ts';
import { onnxInputs } from './inputs.ts';
import { onnxModel } from './model.ts';

const IMAGE = [1, 3, 32, 32];

/** Boxes and scores of 16 anchors, the best of which are chosen in the file. */
const DETECTOR: GraphInit = {
  input: [input('image', IMAGE)],
  output: [input('chosen', ['n', 3], 7), input('features', [1, 7, 4, 4])],
  initializer: [
    onnxTensor(
      'weight',
      [7, 3, 8, 8],
      Array.from({ length: 7 * 192 }, (_, i) => Math.sin(i)),
    ),
    onnxTensor('shape', [3], [1, 7, 16], 'integer'),
    onnxTensor('parts', [2], [4, 3], 'integer'),
    onnxTensor('most', [1], [10], 'integer'),
  ],
  node: [
    onnxNode('Conv', 'image weight', 'features', { strides: ints(8, 8) }),
    onnxNode('Reshape', 'features shape', 'table'),
    onnxNode('Split', 'table parts', 'box_rows scores', { axis: int(1) }),
    onnxNode('Transpose', 'box_rows', 'boxes', { perm: ints(0, 2, 1) }),
    onnxNode('NonMaxSuppression', 'boxes scores most', 'found'),
    onnxNode('Cast', 'found', 'chosen', { to: int(7) }),
  ],
};

const FILE = onnxFile(DETECTOR, 17, { names: "{0: 'cat', 1: 'dog', 2: 'cow'}" });

describe('the option "outputs"', () => {
  it('is named where something is not supported, with the values that can be had', () => {
    expect(() => loadOnnx(FILE)).toThrow(
      [
        'ONNX file "model.onnx": 1 of its parts is not supported:',
        '  NonMaxSuppression (1): node 4: no such operator here',
        'Operators that are missing can be given: option "importers".',
        'It can be read up to there: option "outputs", ["features", "boxes", "scores"].',
      ].join('\n'),
    );
  });

  it('reads a file up to there', () => {
    const { graph, weights } = loadOnnx(FILE, { outputs: ['boxes', 'scores'] });
    const shapes = [...graph.outputs].map(([name, { desc }]) => [name, desc.shape]);
    expect(shapes).toEqual([
      ['boxes', [1, 16, 4]],
      ['scores', [1, 3, 16]],
    ]);
    expect([...(weights.tensors?.keys() ?? [])]).toEqual(['weight']);
    const values = referenceOutputs(graph, inputsOf(graph));
    const whole = loadOnnx(FILE, { outputs: ['features'] });
    const all = referenceOutputs(whole.graph, inputsOf(whole.graph)).get('features');
    const scores = values.get('scores');
    expect(scores).toHaveLength(48);
    expect(scores).toEqual(all?.slice(64));
  });

  it('gives the values of models, in the order of the names', () => {
    const model = onnxModel(FILE, { outputs: ['scores', 'boxes', 'scores'] });
    expect(model.labels).toEqual(['cat', 'dog', 'cow']);
    const { graph } = loadOnnx(FILE, { outputs: ['scores', 'boxes', 'scores'] });
    expect([...graph.outputs.keys()]).toEqual(['scores', 'boxes']);
  });

  it('says for which size a file is', () => {
    const { build } = onnxModel(FILE, { outputs: ['scores'] });
    const g = GraphBuilder.create();
    expect(() => build(g, g.input('x', [1, 3, 64, 64]))).toThrow(
      /\nIt is read for pictures \[64, 64\]; the file is for \[32, 32\]\.$/,
    );
  });

  it('gives an input as it is', () => {
    const { graph } = loadOnnx(FILE, { outputs: ['image'] });
    expect(graph.outputs.get('image')?.desc.shape).toEqual([1, 3, 32, 32]);
  });

  it.each([
    [['nobody'], 'has no value "nobody" to give; its outputs are "chosen", "features"'],
    [['scores', ''], 'has no value "" to give; its outputs are "chosen", "features"'],
    [
      [3],
      'ONNX file "model.onnx": outputs must be an array of names, one at least, got Array of 1',
    ],
    ['', 'ONNX file "model.onnx": outputs must be an array of names, one at least, got '],
    [[], 'ONNX file "model.onnx": outputs must be an array of names, one at least, got Array of 0'],
    ['boxes', 'ONNX file "model.onnx": outputs must be an array of names, one at least, got boxes'],
  ])('refuses %j', (outputs, message) => {
    expect(() => loadOnnx(FILE, { outputs: outputs as string[] })).toThrow(message);
  });

  it('is not named where nothing is computed before', () => {
    const node = [onnxNode('NonMaxSuppression', 'image image', 'chosen')];
    const only = { ...DETECTOR, output: [input('chosen', ['n', 3], 7)], node };
    expect(() => loadOnnx(onnxFile(only))).toThrow(/option "importers"\.$/);
  });

  it('refuses what has no text', () => {
    const outputs = [Symbol('x')] as unknown as string[];
    expect(() => loadOnnx(FILE, { outputs })).toThrow(
      'ONNX file "model.onnx": outputs must be an array of names',
    );
  });

  it('gives a constant of the file as it is', () => {
    const { graph } = loadOnnx(FILE, { outputs: ['scores', 'weight'] });
    expect(graph.outputs.get('weight')?.desc.shape).toEqual([7, 3, 8, 8]);
  });

  it('leaves out inputs that the values do not need', () => {
    const node = [
      onnxNode('Relu', 'a', 'ra'),
      onnxNode('Relu', 'b', 'rb'),
      onnxNode('Add', 'ra rb', 'y'),
    ];
    const inputs = [input('a', [1, 3, 8, 8]), input('b', ['n', 'open'])];
    const file = onnxFile({ input: inputs, output: [input('y', [1])], node });
    const { graph } = loadOnnx(file, { outputs: ['ra'] });
    expect(graph.inputs.map(({ name }) => name)).toEqual(['a']);
    expect(onnxInputs(file, 'two.onnx', ['ra']).map(({ name }) => name)).toEqual(['a']);
    expect(onnxModel(file, { outputs: ['ra'] }).channels).toBe(3);
  });

  it('lists few of many outputs', () => {
    const names = Array.from({ length: 5000 }, (_, i) => `output ${i}`);
    const node = names.map((name) => ({ ...onnxNode('Relu', 'image', '_'), output: [name] }));
    const output = names.map((name) => input(name, [1, 3, 32, 32]));
    const many = onnxFile({ ...DETECTOR, node, output });
    expect(() => loadOnnx(many, { outputs: ['z'] })).toThrow(
      /its outputs are "output 0", "output 1", "output 2", "output 3", \.\.\.$/,
    );
  });

  it('names none that hang on what is not supported, in whatever order nodes stand', () => {
    const node = [
      onnxNode('Relu', 'b', 'c'),
      onnxNode('Relu', 'image', 'a'),
      onnxNode('Magic', 'a', 'b'),
      onnxNode('Relu', 'a', 'd'),
    ];
    const output = [input('c', IMAGE), input('d', IMAGE)];
    const file = onnxFile({ ...DETECTOR, output, valueInfo: [input('b', IMAGE)], node });
    expect(() => loadOnnx(file)).toThrow(/option "outputs", \["d", "a"\]\.$/);
  });

  it('names none that a branch makes of what is not supported', () => {
    const branch = graphAttribute('then_branch', {
      node: [onnxNode('Magic', 'a', 'm'), onnxNode('Relu', 'm', 'r')],
      valueInfo: [input('m', IMAGE)],
      output: [input('r', IMAGE)],
    });
    const file = onnxFile({
      ...DETECTOR,
      initializer: [onnxTensor('yes', [], [1], 'bool')],
      output: [input('y', IMAGE), input('z', IMAGE)],
      node: [
        onnxNode('Relu', 'image', 'a'),
        { ...onnxNode('If', 'yes', 'y'), attribute: [branch] },
        onnxNode('Relu', 'a', 'z'),
      ],
    });
    expect(() => loadOnnx(file)).toThrow(/option "outputs", \["z", "a"\]\.$/);
  });

  it('is not named where a size is wrong', () => {
    const shapes = { image: [1, 3, 64, 64] };
    const file = onnxFile({ ...DETECTOR, output: [input('table', [1, 7, 16])] });
    expect(() => loadOnnx(file, { shapes })).toThrow(/ \[1, 7, 16\]$/);
  });

  it('names none that hang on what is not supported', () => {
    const node = [
      onnxNode('Relu', 'image', 'a'),
      onnxNode('Magic', 'a', 'b'),
      onnxNode('Relu', 'b', 'c'),
      onnxNode('Magic', 'c', 'd'),
      onnxNode('Relu', 'image', 'e'),
    ];
    const valueInfo = [input('b', [1, 3, 32, 32])];
    const output = [input('d', [1, 3, 32, 32]), input('e', [1, 3, 32, 32])];
    const two = onnxFile({ ...DETECTOR, output, valueInfo, node });
    expect(() => loadOnnx(two)).toThrow(/option "outputs", \["e", "a"\]\.$/);
  });
});
