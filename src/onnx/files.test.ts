/** Files whose graphs are odd: versions, domains, names, values that nobody makes, branches and loops. */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  type GraphInit,
  graphAttribute,
  int,
  onnxNode as node,
  onnxFile,
  onnxInput,
  onnxTensor as tensor,
} from '../../test/fixtures/onnx_model.ts';
import { ModelProtoSchema } from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { runReference } from '../reference.ts';
import type { GivenConstant } from './given_constants.ts';
import { loadOnnx } from './import.ts';
import type { OnnxImportOptions } from './import_options.ts';
import { onnxInputs } from './inputs.ts';
import { onnxModel } from './model.ts';

const output = [{ name: 'y' }];
const input = [onnxInput('x', [2])];
const relu: GraphInit = { name: 'small', node: [node('Relu', 'x', 'y')], input, output };
const file = (init: MessageInitShape<typeof ModelProtoSchema>) =>
  toBinary(ModelProtoSchema, create(ModelProtoSchema, init));
const failure = (name: string, message: string) => expect.objectContaining({ name, message });

function resultOf(bytes: Uint8Array, options?: OnnxImportOptions): readonly number[] {
  const { graph, weights } = loadOnnx(bytes, options);
  const values = runReference(graph, weights, { x: Float32Array.of(-1, 3) });
  const y = graph.outputs.get('y');
  // + 0, since -0 is another to the test.
  return Array.from((y && values.get(y)) ?? [], (v) => v + 0);
}

describe('a file', () => {
  it.each<
    [what: string, init: MessageInitShape<typeof ModelProtoSchema>, kind: string, message: string]
  >([
    ['no graph', { opsetImport: [{ version: 17n }] }, 'OnnxError', 'has no graph'],
    [
      'no operator set',
      { graph: relu },
      'UnsupportedError',
      'is of operator set 0; 6 and later are read',
    ],
    [
      'an old operator set',
      { graph: relu, opsetImport: [{ version: 5n }] },
      'UnsupportedError',
      'is of operator set 5; 6 and later are read',
    ],
    [
      'an operator set of another domain',
      { graph: relu, opsetImport: [{ domain: 'com.vendor', version: 17n }] },
      'UnsupportedError',
      'is of operator set 0; 6 and later are read',
    ],
    [
      'functions',
      { graph: relu, opsetImport: [{ version: 17n }], functions: [{ name: 'f' }] },
      'UnsupportedError',
      'defines functions; inline them first',
    ],
    [
      'sparse tensors',
      { graph: { ...relu, sparseInitializer: [{ dims: [1n] }] }, opsetImport: [{ version: 17n }] },
      'UnsupportedError',
      'has sparse tensors',
    ],
    [
      'an output that nothing makes',
      { graph: { ...relu, output: [{ name: 'z' }] }, opsetImport: [{ version: 17n }] },
      'OnnxError',
      'value "z" is read, and nothing makes it',
    ],
  ])('of %s is refused', (_, init, kind, message) => {
    const error = failure(kind, `ONNX file "model.onnx": ${message}`);
    expect(() => loadOnnx(file(init))).toThrow(error);
  });

  it('may name the domain of ONNX itself', () => {
    const graph = { ...relu, node: [{ ...node('Neg', 'x', 'y'), domain: 'ai.onnx' }] };
    const bytes = file({ graph, opsetImport: [{ domain: 'ai.onnx', version: 18n }] });
    expect(loadOnnx(bytes).opset).toBe(18);
    expect(resultOf(bytes)).toEqual([1, -3]);
  });

  it('is called by its name in messages, of which there is one by default', () => {
    const damaged = Uint8Array.of(1, 2);
    for (const read of [loadOnnx, onnxInputs, onnxModel]) {
      expect(() => read(damaged)).toThrow(
        /^ONNX file "model\.onnx": is damaged or no ONNX file \(/,
      );
    }
    expect(() => loadOnnx(damaged, { name: 'a.onnx' })).toThrow(/^ONNX file "a\.onnx": is damaged/);
    expect(() => Reflect.apply(loadOnnx, undefined, ['file'])).toThrow(
      'ONNX file: bytes must be a Uint8Array, got file',
    );
  });

  it('names the graph, or is its name', () => {
    expect(loadOnnx(onnxFile(relu), { name: 'a.onnx' }).graph.name).toBe('small');
    expect(loadOnnx(onnxFile({ ...relu, name: '' }), { name: 'a.onnx' }).graph.name).toBe('a.onnx');
  });
});

describe('values', () => {
  it('that nodes leave out are of no name', () => {
    const nodes = [
      { ...node('Relu', 'x', ''), output: [''] },
      { ...node('Dropout', 'x', ''), output: ['d', ''] },
      node('Clip', 'd _ one', 'y'),
    ];
    const initializer = [tensor('one', [], [1])];
    expect(resultOf(onnxFile({ ...relu, node: nodes, initializer }))).toEqual([-1, 1]);
  });

  it('may be inputs that are given as constants, of the type that the file says', () => {
    const nodes = [
      node('Div', 'k two', 'h'),
      node('Cast', 'h', 'f', { to: int(1) }),
      node('Add', 'x f', 'y'),
    ];
    const bytes = onnxFile({
      ...relu,
      node: nodes,
      input: [...input, onnxInput('k', [1], 7)],
      initializer: [tensor('two', [], [2], 'integer')],
    });
    const given = (shape: readonly number[], ...data: number[]) => ({
      constants: { k: { shape, data: Float32Array.from(data) } },
    });
    // Seven halves of an integer are three.
    expect(resultOf(bytes, given([1], 7))).toEqual([2, 6]);
    expect(loadOnnx(bytes, given([1], 7)).graph.inputs.map(({ name }) => name)).toEqual(['x']);
    const constantIn = (k: GivenConstant): OnnxImportOptions => ({ constants: { k } });
    for (const k of [7, [7], { shape: [1, 1], data: Float32Array.of(7) }])
      expect(resultOf(bytes, constantIn(k))).toEqual([2, 6]);
    const refused: readonly (readonly [GivenConstant, message: string])[] = [
      [
        { shape: [2], data: Float32Array.of(7) },
        'must be a Float32Array of 2 values [2], got Float32Array of 1',
      ],
      [[7, 8], '[1] takes 1 values, got 2'],
      [{ shape: [1, 2], data: Float32Array.of(7, 8) }, 'is [1], got [1, 2]'],
      [7.5, 'must be of numbers that int64 holds, got 7.5'],
    ];
    for (const [k, message] of refused) {
      expect(() => loadOnnx(bytes, constantIn(k))).toThrow(
        failure('ShapeError', `constant "k" ${message}`),
      );
    }
    for (const k of ['7', null, {}, ['7'], Array(1)]) {
      expect(() => Reflect.apply(loadOnnx, undefined, [bytes, { constants: { k } }])).toThrow(
        /^constant "k" must be numbers, or a shape and data, got /,
      );
    }
  });

  it.each([
    [7, 2 ** 53 - 1, undefined],
    [7, 2 ** 24 + 1, undefined],
    [9, 7, '7'],
    [2, 300, '300'],
    [3, -129, '-129'],
    [1, 1e39, '1e+39'],
    [1, Number.NEGATIVE_INFINITY, undefined],
  ])('of type %i hold %d, or else %s is named', (type, value, wrong) => {
    const bytes = onnxFile({
      ...relu,
      node: [node('Cast', 'k', 'y', { to: int(11) })],
      input: [onnxInput('k', [], type)],
    });
    const load = () => loadOnnx(bytes, { constants: { k: value } });
    if (wrong === undefined) {
      const { graph, weights } = load();
      const y = graph.outputs.get('y');
      const [found] = (y && runReference(graph, weights, {}).get(y)) ?? [];
      // Weights are f32.
      expect(found).toBe(Math.fround(value));
    } else
      expect(load).toThrow(
        new RegExp(`^constant "k" must be of numbers .*, got ${wrong.replace('+', '.')}$`),
      );
  });

  it('have the shape that they are given where the file says none', () => {
    const bytes = onnxFile({
      ...relu,
      node: [node('Gather', 'x k', 'y')],
      input: [
        ...input,
        {
          ...onnxInput('k', [], 7),
          type: { value: { case: 'tensorType', value: { elemType: 7 } } },
        },
      ],
    });
    const shapeOf = (k: GivenConstant) =>
      loadOnnx(bytes, { constants: { k } }).graph.outputs.get('y')?.desc.shape;
    expect(shapeOf(1)).toEqual([]);
    expect(shapeOf([1])).toEqual([1]);
    expect(shapeOf({ shape: [1, 1], data: Float32Array.of(1) })).toEqual([1, 1]);
  });

  it('take the shape that the file says where they are given as a list', () => {
    const open = (...dims: (number | string)[]) =>
      onnxFile({
        ...relu,
        node: [node('Add', 'x k', 'y')],
        input: [...input, onnxInput('k', dims)],
      });
    const shapeOf = (bytes: Uint8Array, k: GivenConstant) =>
      loadOnnx(bytes, { constants: { k } }).graph.nodes[0]?.output.desc.shape;
    expect(shapeOf(open(), 5)).toEqual([2]);
    expect(shapeOf(open('n'), [5, 6])).toEqual([2]);
    expect(shapeOf(open('n', 2), [5, 6, 7, 8])).toEqual([2, 2]);
    expect(shapeOf(open('n', 'm'), 5)).toEqual([1, 2]);
    expect(() => shapeOf(open('n', 2), [5, 6, 7])).toThrow(
      'constant "k" [1, 2] takes 2 values, got 3',
    );
  });

  it('are given for inputs that there are', () => {
    const bytes = onnxFile({
      ...relu,
      node: [node('Add', 'x w', 'y')],
      input: [...input, onnxInput('k', [2])],
      initializer: [tensor('w', [2], [1, 2])],
    });
    const wrong = (option: string, name: string) =>
      failure(
        'UnsupportedError',
        `ONNX file "model.onnx": option "${option}": the model has no input "${name}" to be given; it has "x", "k"`,
      );
    expect(() => loadOnnx(bytes, { constants: { w: 1 } })).toThrow(wrong('constants', 'w'));
    expect(() => loadOnnx(bytes, { shapes: { X: [2] } })).toThrow(wrong('shapes', 'X'));
    // Nothing that is wanted reads it.
    expect(resultOf(bytes, { outputs: ['y'], constants: { k: [3, 4] } })).toEqual([0, 5]);
  });

  it('that are constants leave a model of images one input', () => {
    const bytes = onnxFile({
      ...relu,
      node: [node('Mul', 'x k', 'y')],
      input: [onnxInput('x', [1, 1, 28, 28]), onnxInput('k', [])],
    });
    expect(onnxModel(bytes, { constants: { k: 2 } }).size).toEqual([28, 28]);
    for (const constants of [undefined, null]) {
      expect(() => Reflect.apply(onnxModel, undefined, [bytes, { constants }])).toThrow(
        'expected one input of images',
      );
    }
  });

  it('are outputs also where they are inputs, or constants', () => {
    const bytes = onnxFile({
      ...relu,
      initializer: [tensor('c', [2], [5, 6])],
      output: [...output, { name: 'x' }, { name: 'c' }],
    });
    const { graph, weights } = loadOnnx(bytes);
    const values = runReference(graph, weights, { x: Float32Array.of(-1, 3) });
    const results = [...graph.outputs].map(([name, value]) => [name, ...(values.get(value) ?? [])]);
    expect(results).toEqual([
      ['y', 0, 3],
      ['x', -1, 3],
      ['c', 5, 6],
    ]);
  });

  it.each<
    [what: string, shape: readonly (number | string)[], given: OnnxImportOptions, message: string]
  >([
    [
      'left open',
      ['n', 'h'],
      {},
      'leaves its shape open [?, ?]; give its shape by the option "shapes"',
    ],
    ['of other channels', ['n', 3, 4], { shapes: { x: [1, 2, 4] } }, 'is [?, 3, 4], got [1, 2, 4]'],
    ['of another rank', [1, 3, 4], { shapes: { x: [1, 3] } }, 'is [1, 3, 4], got [1, 3]'],
  ])('whose shape is %s are refused', (_, shape, given, message) => {
    const bytes = onnxFile({ ...relu, input: [onnxInput('x', shape)] });
    expect(() => loadOnnx(bytes, given)).toThrow(
      failure(
        'ShapeError',
        `ONNX file "model.onnx": input "x" of "model.onnx" ${message}`.replace(
          /^ONNX file "model.onnx": /,
          '',
        ),
      ),
    );
  });

  it('take the batch, and other sizes of images, where these are given', () => {
    const shapeOf = (shape: readonly (number | string)[], options: OnnxImportOptions) =>
      loadOnnx(onnxFile({ ...relu, input: [onnxInput('x', shape)] }), options).graph.inputs[0]?.desc
        .shape;
    expect(shapeOf(['n', 3], {})).toEqual([1, 3]);
    expect(shapeOf(['n', 3], { batch: 5 })).toEqual([5, 3]);
    expect(shapeOf([1, 3, 8], { shapes: { x: [2, 3, 9] } })).toEqual([2, 3, 9]);
    const open = {
      name: 'x',
      type: { value: { case: 'tensorType' as const, value: { elemType: 1 } } },
    };
    const bytes = onnxFile({ ...relu, input: [open] });
    expect(loadOnnx(bytes, { shapes: { x: [4] } }).graph.inputs[0]?.desc.shape).toEqual([4]);
    expect(() => loadOnnx(bytes)).toThrow('leaves its shape open []; give its shape');
  });

  it('are listed where they hold no numbers', () => {
    const bytes = onnxFile({ ...relu, input: [onnxInput('x', [2], 8)] });
    expect(() => loadOnnx(bytes)).toThrow(
      failure(
        'UnsupportedError',
        'ONNX file "model.onnx": 1 of its parts is not supported:\n  input (1): x: is STRING; numbers are read',
      ),
    );
  });

  it('have the names of the file, in layers and in weights', () => {
    const nodes = [
      { ...node('Add', 'x w', 'a'), name: 'sum' },
      { ...node('Mul', 'a w', 'b'), name: 'sum' },
      node('Neg', 'b', 'y'),
    ];
    const { graph, weights } = loadOnnx(
      onnxFile({ ...relu, node: nodes, initializer: [tensor('w', [2], [1, 2])] }),
    );
    expect(graph.nodes.map(({ name }) => name)).toEqual(['sum', 'sum (node 1)', 'y']);
    expect([...(weights.tensors?.keys() ?? [])]).toEqual(['w']);
  });
});

describe('a branch', () => {
  const branches = (
    nodes: NonNullable<GraphInit['node']>,
    initializer: GraphInit['initializer'] = [],
  ) => [
    graphAttribute('then_branch', {
      node: nodes,
      initializer: initializer ?? [],
      output: [{ name: 'r' }],
    }),
    graphAttribute('else_branch', { node: [node('Neg', 'x', 'r')], output: [{ name: 'r' }] }),
  ];
  const conditional = (attribute: ReturnType<typeof branches>) =>
    onnxFile({
      ...relu,
      node: [{ ...node('If', 'on', 'y'), name: 'choice', attribute }],
      initializer: [tensor('on', [], [1], 'bool')],
    });

  it('has layers and weights under the name of the node', () => {
    const bytes = conditional(branches([node('Add', 'x w', 'r')], [tensor('w', [2], [1, 2])]));
    const { graph, weights } = loadOnnx(bytes);
    expect(graph.nodes.map(({ name }) => name)).toEqual(['choice/r']);
    expect([...(weights.tensors?.keys() ?? [])]).toEqual(['choice/w']);
    expect(resultOf(bytes)).toEqual([0, 5]);
  });

  it('fails with what is in it, which is listed once', () => {
    expect(() => loadOnnx(conditional(branches([node('Magic', 'x', 'r')])))).toThrow(
      'ONNX file "model.onnx": 1 of its parts is not supported:\n  Magic (1): node 1: no such operator here',
    );
  });

  it('is chosen by an input that is given once, which the error names', () => {
    const bytes = onnxFile({
      ...relu,
      input: [...input, onnxInput('rate', [], 7)],
      node: [
        node('Equal', 'rate wanted', 'on'),
        { ...node('If', 'on', 'y'), attribute: branches([node('Relu', 'x', 'r')]) },
      ],
      initializer: [tensor('wanted', [], [16000], 'integer')],
    });
    expect(resultOf(bytes, { constants: { rate: 16000 } })).toEqual([0, 3]);
    expect(resultOf(bytes, { constants: { rate: 8000 } })).toEqual([1, -3]);
    expect(() => loadOnnx(bytes)).toThrow(
      'a branch must be known when the model is loaded\nInputs that decide can be given once: option "constants", of ["rate"].',
    );
  });

  it('has no condition that nothing says', () => {
    const bytes = onnxFile({
      ...relu,
      node: [{ ...node('If', '', 'y'), input: [], attribute: [] }],
    });
    expect(() => loadOnnx(bytes)).toThrow(
      'If (1): node 0: its condition is computed; a branch must be known when the model is loaded',
    );
  });
});

describe('a loop', () => {
  const body = (nodes: NonNullable<GraphInit['node']>, ...outputs: string[]): GraphInit => ({
    node: [node('Identity', 'going', 'goes'), ...nodes],
    input: [onnxInput('i', [], 7), onnxInput('going', [], 9), { name: 'v' }],
    output: ['goes', ...outputs].map((name) => ({ name })),
    initializer: [tensor('w', [2], [1, 2])],
  });
  const looped = (of: GraphInit, outputs: readonly string[], inputs = 'n on x') =>
    onnxFile({
      ...relu,
      node: [
        {
          ...{ ...node('Loop', inputs, ''), name: 'loop', output: [...outputs] },
          attribute: [graphAttribute('body', of)],
        },
      ],
      initializer: [tensor('n', [], [2], 'integer'), tensor('on', [], [1], 'bool')],
    });

  it('has layers under its name and the number of the turn, and one weight for all', () => {
    const bytes = looped(body([node('Add', 'v w', 'u')], 'u'), ['y']);
    const { graph, weights } = loadOnnx(bytes);
    expect(graph.nodes.map(({ name }) => name)).toEqual(['loop/0/u', 'loop/1/u']);
    expect([...(weights.tensors?.keys() ?? [])]).toEqual(['loop/w']);
    expect(resultOf(bytes)).toEqual([1, 7]);
  });

  it('stacks what its turns compute under its name', () => {
    const bytes = looped(body([node('Add', 'v w', 'u'), node('Neg', 'u', 'row')], 'u', 'row'), [
      '',
      'y',
    ]);
    expect(resultOf(bytes)).toEqual([0, -5, -1, -7]);
    const names = loadOnnx(bytes).graph.nodes.map(({ name }) => name);
    expect(names.filter((name) => !/^loop\/[01]\//.test(name))).toEqual([
      'loop.stack 0.0',
      'loop.stack 0.1',
      'loop.stack 0',
    ]);
  });

  it.each<[what: string, bytes: Uint8Array, message: string]>([
    [
      'without a body',
      onnxFile({ ...relu, node: [node('Loop', 'x x x', 'y')] }),
      'has a loop without a body',
    ],
    [
      'whose body gives too little',
      looped(body([]), ['y']),
      'has a loop whose body gives too little',
    ],
    [
      'of more outputs than it makes',
      looped(body([node('Add', 'v w', 'u')], 'u'), ['last', 'y']),
      'loop "loop" gives 2 values, no "y"',
    ],
  ])('%s is damaged', (_, bytes, message) => {
    expect(() => loadOnnx(bytes)).toThrow(
      failure('OnnxError', `ONNX file "model.onnx": ${message}`),
    );
  });
});

describe('onnxModel', () => {
  const image = (...dims: (number | string)[]) => [onnxInput('image', dims)];
  const flat = { ...relu, node: [node('Flatten', 'image', 'y')] };

  it('counts classes along the second axis', () => {
    expect(onnxModel(onnxFile({ ...flat, input: image(1, 3, 2, 5) })).classes).toBe(30);
  });

  it('takes images of the usual size where either side is left open', () => {
    expect(onnxModel(onnxFile({ ...flat, input: image('n', 3, 'h', 32) })).size).toEqual([224, 32]);
    expect(onnxModel(onnxFile({ ...flat, input: image('n', 3, 32, 'w') })).size).toEqual([32, 224]);
  });

  it('refuses a graph without an output', () => {
    const bytes = onnxFile({ ...flat, input: image(1, 3, 4, 4), output: [] });
    expect(() => onnxModel(bytes)).toThrow(
      failure('UnsupportedError', 'ONNX file "model.onnx": has no output'),
    );
  });
});
