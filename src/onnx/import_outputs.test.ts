/** Files that are read up to chosen values, such as detectors that end in an operator which is not read. */
import { describe, expect, it } from 'vitest';
import { inputsOf, referenceOutputs } from '../../test/fixtures/compare_graphs.ts';
import {
  type GraphInit,
  onnxInput as input,
  int,
  ints,
  onnxFile,
  onnxNode,
  onnxTensor,
} from '../../test/fixtures/onnx_model.ts';
import { loadOnnx } from './import.ts';
import { onnxModel } from './model.ts';

/** Boxes and scores of 16 anchors, the best of which are chosen in the file. */
const DETECTOR: GraphInit = {
  input: [input('image', [1, 3, 32, 32])],
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
        'ONNX file "model.onnx": 1 of its parts are not supported:',
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

  it('gives an input as it is', () => {
    const { graph } = loadOnnx(FILE, { outputs: ['image'] });
    expect(graph.outputs.get('image')?.desc.shape).toEqual([1, 3, 32, 32]);
  });

  it.each([
    [['nobody'], 'has no value "nobody" to give; its outputs are "chosen", "features"'],
    [['scores', ''], 'has no value "" to give; its outputs are "chosen", "features"'],
    [[3], 'has no value "3" to give; its outputs are "chosen", "features"'],
    [[], 'options.outputs must be an array of names, one at least, got Array of 0'],
    ['boxes', 'options.outputs must be an array of names, one at least, got boxes'],
  ])('refuses %j', (outputs, message) => {
    expect(() => loadOnnx(FILE, { outputs: outputs as string[] })).toThrow(message);
  });

  it('is not named where nothing is computed before', () => {
    const node = [onnxNode('NonMaxSuppression', 'image image', 'chosen')];
    const only = { ...DETECTOR, output: [input('chosen', ['n', 3], 7)], node };
    expect(() => loadOnnx(onnxFile(only))).toThrow(/option "importers"\.$/);
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
