import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { inputsOf, largest, referenceOutputs } from '../../test/fixtures/compare_graphs.ts';
import { expectClose } from '../../test/fixtures/expect_close.ts';
import {
  onnxInput as input,
  onnxFile as model,
  onnxNode,
  onnxTensor,
} from '../../test/fixtures/onnx_model.ts';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  TensorProto_DataLocation,
} from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { Random } from '../../test/fixtures/random.ts';
import { randomGraph } from '../../test/fixtures/random_graph.ts';
import { add, mul } from '../layers/arithmetic.ts';
import { runReference } from '../reference.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { reshape } from '../runtime/reshape.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { exportOnnx } from './export.ts';
import { loadOnnx } from './import.ts';
import type { Importer } from './import_node.ts';
import type { OnnxImportOptions } from './import_options.ts';
import { onnxInputs } from './inputs.ts';
import { onnxModel } from './model.ts';

describe('loadOnnx', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'reads back what was exported: random graph %i',
    (seed) => {
      const built = randomGraph(new Random(seed), 15);
      const { graph, weights } = loadOnnx(exportOnnx(built, syntheticWeights([])));
      const inputs = inputsOf(built);
      const values = runReference(graph, weights, inputs);
      for (const [name, expected] of referenceOutputs(built, inputs)) {
        const output = graph.outputs.get(name);
        const data = Float32Array.from((output && values.get(output)) ?? []);
        // Matrices of means are rounded to f32 in the file.
        expectClose(data, expected, 1e-5 * largest(expected), output?.desc.shape ?? [], name);
      }
    },
  );

  it('lists everything that it does not support, with node names, and nothing that only hangs on it', () => {
    const bytes = model({
      node: [
        { opType: 'Magic', name: 'first', input: ['x'], output: ['a'] },
        { opType: 'Relu', name: 'behind', input: ['a'], output: ['b'] },
        { opType: 'Conv', domain: 'com.vendor', name: 'second', input: ['b'], output: ['c'] },
        { opType: 'Reshape', name: 'third', input: ['x', 'w'], output: ['d'] },
        { opType: 'Add', name: 'sum', input: ['c', 'd'], output: ['y'] },
      ],
      input: [input('x', [1n, 1n, 4n, 4n]), input('w', [1n, 1n, 1n, 1n])],
      output: [{ name: 'y' }],
    });
    expect(() => loadOnnx(bytes, { name: 'magic.onnx' })).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: [
          'ONNX file "magic.onnx": 3 of its parts are not supported:',
          'Magic (1): first: no such operator here',
          'com.vendor.Conv (1): second: no such operator here',
          'Reshape (1): third: the shape "w" must be known when the model is loaded; it is an input of the model: give it once, as one of the constants',
        ]
          .join('\n  ')
          .concat('\nOperators that are missing can be given: option "importers".'),
      }),
    );
  });

  it('reads windows over rows so that batch and length may be others', () => {
    const bytes = model({
      node: [onnxNode('MaxPool', 'x', 'y', { kernel_shape: { ints: [2] } })],
      input: [input('x', [1n, 3n, 8n])],
      output: [{ name: 'y' }],
    });
    const other = reshape(loadOnnx(bytes).graph, { x: [4, 3, 5] });
    expect(other.outputs.get('y')?.desc.shape).toEqual([4, 3, 4]);
  });

  it.each<
    [what: string, inputs: string, shapes: Readonly<Record<string, readonly bigint[]>>, why: RegExp]
  >([
    [
      'ScatterND',
      'x i u',
      { x: [4n, 2n], i: [3n, 1n], u: [3n, 3n] },
      /updates \[3, 3\] are not \[3, 2\]/,
    ],
    [
      'ScatterElements add',
      'x i u',
      { x: [4n], i: [3n], u: [3n] },
      /reduction add is read of indices that are known, and these are not/,
    ],
    [
      'ScatterElements add',
      'x same u',
      { x: [4n], u: [40n] },
      /more than 32 updates meet in one place/,
    ],
    ['CumSum', 'x i', { x: [4n], i: [1n] }, /the axis "i" must be known when the model is loaded/],
    [
      'MaxUnpool',
      'x i same',
      { x: [1n, 1n, 2n, 2n], i: [1n, 1n, 2n, 2n] },
      /an output of \[0,0,.*\] has not the images and channels of \[1, 1, 2, 2\]/,
    ],
    [
      'DeformConv',
      'x i u',
      { x: [1n, 1n, 2n, 2n], i: [1n, 1n, 1n, 1n], u: [1n, 4n, 2n, 2n] },
      /expects 2 offsets a window, got \[1, 4, 2, 2\]/,
    ],
  ])('says why it does not read %s of %s', (what, inputs, shapes, why) => {
    const [opType = '', reduction] = what.split(' ');
    const bytes = model({
      node: [onnxNode(opType, inputs, 'y', reduction ? { reduction: { string: reduction } } : {})],
      initializer: [onnxTensor('same', [40], Array<number>(40).fill(0), 'integer')],
      input: Object.entries(shapes).map(([name, shape]) => input(name, [...shape])),
      output: [{ name: 'y' }],
    });
    expect(() => loadOnnx(bytes)).toThrow(why);
  });

  it.each([
    [
      'Conv',
      { kernel_shape: { ints: [3, 2] } },
      /kernel_shape is \[3,2\], its weight \[1, 1, 3, 3\]/,
    ],
    ['Conv', { strides: { ints: [1] } }, /strides \[1\] does not name 2 axes/],
    ['ConvTranspose', { pads: { ints: [1, 1] } }, /pads \[1,1\] do not name both ends of 2 axes/],
    ['MaxUnpool', { kernel_shape: { ints: [2] } }, /kernel_shape \[2\] does not name 2 axes/],
  ])('refuses windows whose attributes are of other axes: %s %o', (opType, attributes, why) => {
    const bytes = model({
      node: [onnxNode(opType, 'x w', 'y', attributes)],
      input: [input('x', [1, 1, 4, 4]), input('w', [1, 1, 3, 3])],
      output: [{ name: 'y' }],
    });
    expect(() => loadOnnx(bytes)).toThrow(why);
  });

  it('refuses what moves along four axes', () => {
    const bytes = model({
      node: [
        { opType: 'Conv', name: 'conv', input: ['x', 'w'], output: ['a'] },
        onnxNode('MaxPool', 'x', 'y', { kernel_shape: { ints: [2, 2, 2, 2] } }),
      ],
      input: [input('x', [1, 1, 4, 4, 4, 4]), input('w', [1, 1, 2, 2, 2, 2])],
      output: [{ name: 'a' }, { name: 'y' }],
    });
    expect(() => loadOnnx(bytes)).toThrow(
      'Conv (1): conv: 4-D convolutions are not read\n  MaxPool (1): node 1: 4-D pools are not read',
    );
  });

  it('lists nodes that read what comes after the first output of another', () => {
    const importers = { Magic: (call) => mul(call.g, call.value(0), 2) } satisfies Record<
      string,
      Importer
    >;
    const bytes = model({
      node: [
        { opType: 'Magic', name: 'trick', input: ['x'], output: ['a', 'places'] },
        { opType: 'Mul', name: 'scale', input: ['a', 'places'], output: ['y'] },
      ],
      input: [input('x', [1, 1, 2, 2])],
      output: [{ name: 'y' }, { name: 'places' }],
    });
    expect(() => loadOnnx(bytes, { importers })).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: [
          'ONNX file "model.onnx": 2 of its parts are not supported:',
          'Mul (1): scale: reads "places" of Magic "trick", which is not had',
          'output (1): places: reads "places" of Magic "trick", which is not had',
        ].join('\n  '),
      }),
    );
  });

  it('names the first nodes of many of one operator, and counts them', () => {
    const node = Array.from({ length: 130 }, (_, i) => onnxNode('Magic', 'x', `y${i}`));
    const output = node.map((_, i) => ({ name: `y${i}` }));
    const bytes = model({ node, input: [input('x', [1])], output });
    expect(() => loadOnnx(bytes)).toThrow(
      /130 of its parts are not supported:\n {2}Magic \(130\): node 0, node 1, node 2, node 3, \.\.\.: no such/,
    );
  });

  it('has no weights that only nodes read which no output needs', () => {
    const bytes = model({
      node: [onnxNode('Add', 'x b', 'y'), onnxNode('Mul', 'x unread', 'z')],
      initializer: [onnxTensor('b', [3], [1, 2, 3]), onnxTensor('unread', [3], [4, 5, 6])],
      input: [input('x', [1n, 3n])],
      output: [{ name: 'y' }],
    });
    const { graph, weights } = loadOnnx(bytes);
    expect(graph.nodes.map(({ name }) => name)).toEqual(['y']);
    expect([...(weights.tensors ?? [])].map(([name]) => name)).toEqual(['b']);
  });

  it('says what is unsupported in 2,000 characters', () => {
    const node = Array.from({ length: 900 }, (_, i) => ({
      ...onnxNode(`Magic${i}${'x'.repeat(i % 400)}`, 'x', `y${i}`),
      name: 'n'.repeat(i % 500),
    }));
    const output = node.map((_, i) => ({ name: `y${i}` }));
    const bytes = model({ node, input: [input('x', [1])], output });
    const error = refusalOf(() => loadOnnx(bytes));
    expect(error.length).toBeLessThan(2000);
    expect(error).toMatch(/900 of its parts are not supported:\n {2}Magic0 \(1\).* more kinds\n/s);
  });

  it('examines what hangs on an unsupported node whose shape the file says', () => {
    const bytes = model({
      node: [
        { opType: 'Magic', name: 'first', input: ['x'], output: ['a'] },
        { opType: 'Reshape', name: 'second', input: ['a', 'shape'], output: ['y'] },
      ],
      initializer: [onnxTensor('shape', [2], [5, 5], 'integer')],
      input: [input('x', [1, 4])],
      valueInfo: [input('a', [1, 8])],
      output: [{ name: 'y' }],
    });
    expect(() => loadOnnx(bytes)).toThrow(
      /2 of its .*Magic \(1\): first: no such.*Reshape \(1\): second: \[1, 8\] has 8 elements/s,
    );
  });

  it('takes names for names, also those that objects have of themselves', () => {
    const named = (name: string) =>
      model({
        node: [{ opType: 'Relu', input: [name], output: ['y'] }],
        input: [input(name, [1n, 2n])],
        output: [{ name: 'y' }],
      });
    for (const name of ['constructor', '__proto__']) {
      expect(loadOnnx(named(name), { shapes: {} }).graph.inputs[0]?.name).toBe(name);
    }
    const mode = [onnxNode('Resize', 'x _ s', 'y', { mode: { string: 'constructor' } })];
    const initializer = [onnxTensor('s', [4], [1, 1, 2, 2])];
    const resized = { node: mode, initializer, input: [input('x', [1, 1, 2, 2])] };
    expect(() => loadOnnx(model({ ...resized, output: [{ name: 'y' }] }))).toThrow(
      /mode is constructor; nearest, linear, bilinear, cubic are read/,
    );
  });

  it('asks for extents that a file leaves open, but for the batch', () => {
    const bytes = model({
      node: [{ opType: 'Relu', input: ['x'], output: ['y'] }],
      input: [input('x', ['batch', 3n, 'height', 'width'])],
      output: [{ name: 'y' }],
    });
    expect(() => loadOnnx(bytes)).toThrow(/input "x" of "model.onnx" leaves its shape open/);
    const { graph } = loadOnnx(bytes, { shapes: { x: [2, 3, 5, 7] } });
    expect(graph.outputs.get('y')?.desc.shape).toEqual([2, 3, 5, 7]);
    expect(() => loadOnnx(bytes, { shapes: { x: [2, 1, 5, 7] } })).toThrow(/got \[2, 1, 5, 7\]/);
  });

  it('reads a file beside the model once, for all tensors in it', () => {
    const names = ['a', 'b', 'c'];
    const bytes = model({
      node: names.map((name, i) => ({
        opType: 'Mul',
        input: [i === 0 ? 'x' : `y${i}`, name],
        output: [`y${i + 1}`],
      })),
      initializer: names.map((name, i) => ({
        name,
        dims: [2n],
        dataType: 1,
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: [
          { key: 'location', value: 'weights.bin' },
          { key: 'offset', value: String(8 * i) },
        ],
      })),
      input: [input('x', [1n, 2n])],
      output: [{ name: 'y3' }],
    });
    const paths: string[] = [];
    const { weights } = loadOnnx(bytes, {
      readExternal: (path) => {
        paths.push(path);
        return new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
      },
    });
    expect(names.map((name) => [...weights.read(name, [2])])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(paths).toEqual(['weights.bin']);
  });

  it('reads tensors out of a file beside the model', () => {
    const external = ['location', 'weights/w.bin', 'offset', '4', 'length', '8'];
    const entries = [0, 2, 4].map((i) => ({
      key: external[i] ?? '',
      value: external[i + 1] ?? '',
    }));
    const bytes = model({
      node: [{ opType: 'Mul', name: 'mul', input: ['x', 'w'], output: ['y'] }],
      initializer: [
        {
          name: 'w',
          dims: [2n],
          dataType: 1,
          dataLocation: TensorProto_DataLocation.EXTERNAL,
          externalData: entries,
        },
      ],
      input: [input('x', [1n, 2n])],
      output: [{ name: 'y' }],
    });
    const file = new Uint8Array(Float32Array.from([1, 2, 3]).buffer);
    const { weights } = loadOnnx(bytes, {
      readExternal: (path) => (path === 'weights/w.bin' ? file : new Uint8Array()),
    });
    expect([...weights.read('w', [2])]).toEqual([2, 3]);
    expect(() => loadOnnx(bytes)).toThrow(/its data is in the file "weights\/w.bin"/);
  });

  describe('of a file beside the model refuses', () => {
    const file = new Uint8Array(12);
    const read: string[] = [];

    function load(entries: Readonly<Record<string, string>>) {
      const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
      const dataLocation = TensorProto_DataLocation.EXTERNAL;
      const bytes = model({
        node: [onnxNode('Mul', 'x w', 'y')],
        initializer: [{ name: 'w', dims: [2n], dataType: 1, dataLocation, externalData }],
        input: [input('x', [2])],
        output: [{ name: 'y' }],
      });
      const readExternal = (path: string) => {
        read.push(path);
        return file;
      };
      return loadOnnx(bytes, { readExternal });
    }

    it.each(['', '..', '../w', 'a/../w', '/w', 'a//w', 'a/', String.raw`a\w`, 'C:w', 'a\nw'])(
      'the path %j, which it does not ask for',
      (location) => {
        read.length = 0;
        expect(() => load({ location, length: '8' })).toThrow(
          "; expected a path inside of the model's folder",
        );
        expect(read).toEqual([]);
      },
    );

    it.each([
      [{ offset: '5' }, 'bytes 5 to 13 of "w", which has 12'],
      [{ offset: '-1' }, 'expected an offset in digits, got "-1"'],
      [{ length: '0x8' }, 'expected a length in digits, got "0x8"'],
      [{ length: '4' }, 'takes 8 bytes, its external data has 4'],
    ])('the part %j', (part, message) => {
      expect(() => load({ location: 'w', ...part })).toThrow(message);
      expect(() => load({ location: 'w', offset: '4', length: '8' })).not.toThrow();
    });
  });

  it.each([
    [[0, 3], 'index 3 is out of 3'],
    [[-4, 0], 'index -4 is out of 3'],
    [[], 'gathers nothing'],
  ])('refuses to gather %j of 3 rows', (indices, message) => {
    const bytes = model({
      node: [onnxNode('Gather', 'x i', 'y')],
      initializer: [onnxTensor('i', [indices.length], indices, 'integer')],
      input: [input('x', [3, 2])],
      output: [{ name: 'y' }],
    });
    expect(() => loadOnnx(bytes)).toThrow(message);
  });

  it.each([
    [
      onnxNode('Einsum', 'x', 'y', { equation: { string: 'ij->ik' } }),
      '"ij->ik" has a result of axes that its operands have not, or have twice',
    ],
    [
      onnxNode('Einsum', 'x', 'y', { equation: { string: 'ij->ii' } }),
      '"ij->ii" has a result of axes that its operands have not, or have twice',
    ],
    [onnxNode('Einsum', 'x', 'y', { equation: { string: 'i->i' } }), '"i" does not name 2 axes'],
    [onnxNode('Elu', 'x', 'y', { alpha: { float: Infinity } }), 'alpha is Infinity, not finite'],
    [
      onnxNode('QuantizeLinear', 'x s', 'y', { axis: { int: 1 }, block_size: { int: 2 } }),
      'scales [2, 3] do not fit [2, 3] along axis 1',
    ],
    [
      onnxNode('QuantizeLinear', 'x s', 'y', { axis: { int: 1 } }),
      'scales [2, 3] do not fit [2, 3] along axis 1',
    ],
    [onnxNode('Concat', 'x', 'y', { axis: { int: 2 } }), 'axis 2 is not an axis of 2'],
    [onnxNode('Constant', '_', 'y'), 'holds neither a tensor nor numbers'],
  ])('refuses a node with what it cannot be: %#', (node, message) => {
    const bytes = model({
      node: [node],
      initializer: [onnxTensor('s', [2, 3], [1, 1, 1, 1, 1, 1])],
      input: [input('x', [2, 3])],
      output: [{ name: 'y' }],
    });
    expect(() => loadOnnx(bytes)).toThrow(message);
  });

  it('refuses values that are made twice, and sparse tensors', () => {
    const of = (more: Parameters<typeof model>[0]) =>
      model({
        node: [onnxNode('Relu', 'x', 'y'), onnxNode('Neg', 'x', 'z')],
        input: [input('x', [2])],
        output: [{ name: 'y' }],
        ...more,
      });
    expect(() => loadOnnx(of({}))).not.toThrow();
    const twice = [onnxNode('Relu', 'x', 'y'), onnxNode('Neg', 'x', 'y')];
    expect(() => loadOnnx(of({ node: twice }))).toThrow('value "y" is made twice');
    const again = [onnxTensor('y', [2], [1, 2])];
    expect(() => loadOnnx(of({ initializer: again }))).toThrow('value "y" is made twice');
    expect(() => loadOnnx(of({ sparseInitializer: [{ dims: [2n] }] }))).toThrow(
      'has sparse tensors',
    );
  });

  it('gathers a row 256 times', () => {
    const bytes = model({
      node: [onnxNode('Gather', 'x i', 'y')],
      initializer: [onnxTensor('i', [256], Array(256).fill(-1), 'integer')],
      input: [input('x', [3])],
      output: [{ name: 'y' }],
    });
    expect(resultOf(bytes, { x: [5, 6, 7] })).toEqual(Array(256).fill(7));
  });

  it.each([1, 0])('puts the branch in place that a known condition chooses: %i', (condition) => {
    const branch = (name: string, opType: string) =>
      create(AttributeProtoSchema, {
        name,
        type: AttributeProto_AttributeType.GRAPH,
        g: create(GraphProtoSchema, {
          // The same names in both, and one from around them.
          node: [onnxNode('Add', 'r w', 'sum'), onnxNode(opType, 'sum', 'made')],
          initializer: [onnxTensor('w', [1], [opType === 'Neg' ? 1 : 2])],
          output: [{ name: 'made' }],
        }),
      });
    const bytes = model({
      node: [
        onnxNode('Relu', 'x', 'r'),
        onnxNode('Equal', 'one given', 'condition'),
        {
          ...onnxNode('If', 'condition', 'y'),
          attribute: [branch('then_branch', 'Neg'), branch('else_branch', 'Abs')],
        },
      ],
      initializer: [
        onnxTensor('one', [], [1], 'integer'),
        onnxTensor('given', [], [condition], 'integer'),
      ],
      input: [input('x', [2])],
      output: [{ name: 'y' }],
    });
    expect(resultOf(bytes, { x: [-1, 3] })).toEqual(condition === 1 ? [-1, -4] : [2, 5]);
  });

  it('refuses branches whose condition is computed, and scans', () => {
    const bytes = (opType: string) =>
      model({
        node: [onnxNode('Cast', 'x', 'c', { to: { int: 9 } }), onnxNode(opType, 'c', 'y')],
        input: [input('x', [1])],
        output: [{ name: 'y' }],
      });
    expect(() => loadOnnx(bytes('If'))).toThrow(/its condition is computed; a branch must be/);
    expect(() => loadOnnx(bytes('Scan'))).toThrow(/Scan \(1\): node 1: no such operator here/);
  });

  it('puts nothing where a computed index is none of its axis, and all where there are no updates', () => {
    const elements = model({
      node: [onnxNode('ScatterElements', 'x i u', 'y', { axis: { int: 1 } })],
      initializer: [onnxTensor('u', [2, 3], [10, 11, 12, 13, 14, 15])],
      input: [input('x', [2, 3]), input('i', [2, 3], 7)],
      output: [{ name: 'y' }],
    });
    const x = [1, 2, 3, 4, 5, 6];
    expect(resultOf(elements, { x, i: [3, 0, -4, 0, -4, 2] })).toEqual([11, 2, 3, 13, 5, 15]);
    const tuples = model({
      node: [onnxNode('ScatterND', 'x i u', 'y')],
      initializer: [onnxTensor('u', [4], [10, 11, 12, 13])],
      input: [input('x', [2, 3]), input('i', [4, 2], 7)],
      output: [{ name: 'y' }],
    });
    const i = [0, 3, 1, -4, -3, 2, 1, -1];
    expect(resultOf(tuples, { x, i })).toEqual([1, 2, 3, 4, 5, 13]);
    const none = model({
      node: [onnxNode('ScatterND', 'x i u', 'z'), onnxNode('Neg', 'z', 'y')],
      initializer: [onnxTensor('i', [0, 1], [], 'integer'), onnxTensor('u', [0, 3], [])],
      input: [input('x', [2, 3])],
      output: [{ name: 'y' }],
    });
    expect(resultOf(none, { x })).toEqual([-1, -2, -3, -4, -5, -6]);
  });

  it('takes importers that are given also for what holds graphs', () => {
    const bytes = model({
      node: [onnxNode('Loop', 'x', 'y')],
      input: [input('x', [2])],
      output: [{ name: 'y' }],
    });
    const importers = { Loop: (call) => mul(call.g, call.value(0), 3) } satisfies Record<
      string,
      Importer
    >;
    expect(resultOf(bytes, { x: [-1, 3] }, { importers })).toEqual([-3, 9]);
  });

  it('computes a chain of thousands of constants, of which the memory for small ones is used up', () => {
    const filled = Array.from({ length: 40 }, (_, i) =>
      onnxNode('ConstantOfShape', 'many', `filled${i}`),
    );
    const chain = Array.from({ length: 12_000 }, (_, i) =>
      onnxNode('Add', `c${i} one`, `c${i + 1}`),
    );
    const bytes = model({
      node: [
        ...filled,
        onnxNode('Sum', filled.map((_, i) => `filled${i}`).join(' '), 'zeros'),
        onnxNode('ReduceMax', 'zeros', 'zero'),
        onnxNode('Add', 'x zero', 'z'),
        ...chain,
        onnxNode('Add', 'z c12000', 'y'),
      ],
      initializer: [
        onnxTensor('many', [1], [65_000], 'integer'),
        onnxTensor('c0', [1], [0]),
        onnxTensor('one', [1], [1]),
      ],
      input: [input('x', [1])],
      output: [{ name: 'y' }],
    });
    expect(resultOf(bytes, { x: [0.5] })).toEqual([12_000.5]);
  });

  it('reads operators of other domains, and its own, by importers that are given', () => {
    const bytes = model({
      node: [
        { ...onnxNode('Twice', 'x', 'a', { more: { float: 1 } }), domain: 'com.example' },
        { ...onnxNode('Twice', 'c', 'd'), domain: 'com.example' },
        onnxNode('Relu', 'a', 'b'),
        onnxNode('Add', 'b d', 'y'),
      ],
      initializer: [onnxTensor('c', [], [10])],
      input: [input('x', [2])],
      output: [{ name: 'y' }],
    });
    const importers: Readonly<Record<string, Importer>> = {
      'com.example.Twice': (call) =>
        add(call.g, mul(call.g.at('twice'), call.value(0), 2), call.float('more', 0)),
      // In place of ONNX's.
      Relu: (call) => mul(call.g, call.value(0), -1),
    };
    expect(resultOf(bytes, { x: [-1, 3] }, { importers })).toEqual([21, 13]);
    expect(() => loadOnnx(bytes)).toThrow(/com\.example\.Twice \(2\): node 0, .*no such operator/);
  });

  it('feeds integers and truth values as floats that hold them', () => {
    const bytes = model({
      node: [
        onnxNode('Cast', 'u', 'f', { to: { int: 1 } }),
        onnxNode('Div', 'i three', 'q'),
        onnxNode('Cast', 'q', 'g', { to: { int: 1 } }),
        onnxNode('Where', 'b f g', 'y'),
      ],
      initializer: [onnxTensor('three', [], [3], 'integer')],
      input: [input('u', [3], 2), input('i', [3], 7), input('b', [3], 9)],
      output: [{ name: 'y' }],
    });
    expect(resultOf(bytes, { u: [200, 1, 2], i: [7, -7, 8], b: [1, 0, 0] })).toEqual([200, -2, 2]);
    const wrapping = model({
      node: [onnxNode('Add', 'u u', 'y')],
      input: [input('u', [3], 2)],
      output: [{ name: 'y' }],
    });
    expect(() => loadOnnx(wrapping)).toThrow(/Add .*wraps around in uint8, .* cast to int32/);
    const text = model({ node: [onnxNode('Relu', 't', 'y')], input: [input('t', [3], 8)] });
    expect(() => loadOnnx(text)).toThrow(/input \(1\): t: is STRING; numbers are read/);
  });

  it('takes extents of 0 for 0', () => {
    const typed = model({
      node: [onnxNode('CastLike', 'two none', 't'), onnxNode('Mul', 'x t', 'y')],
      initializer: [onnxTensor('two', [], [2], 'integer')],
      input: [input('none', [0, 4]), input('x', [2])],
      output: [{ name: 'y' }],
    });
    // Only its type is read.
    expect(resultOf(typed, { x: [3, 4] })).toEqual([6, 8]);
    const read = model({
      node: [onnxNode('Relu', 'x', 'y')],
      input: [input('x', [0, 3, 4, 4])],
      output: [{ name: 'y' }],
    });
    expect(() => loadOnnx(read)).toThrow(/its output "y" has no elements/);
    expect(loadOnnx(read, { shapes: { x: [1, 3, 4, 4] } }).graph.inputs).toHaveLength(1);
  });

  it('normalises by the batch where an attribute says so, or outputs before operator set 14', () => {
    const statistics = [
      onnxTensor('scale', [2], [2, 1]),
      onnxTensor('bias', [2], [1, 0]),
      onnxTensor('mean', [2], [0, 0]),
      onnxTensor('var', [2], [1, 4]),
    ];
    const attributes = { epsilon: { float: 0 }, momentum: { float: 0.75 } };
    const bytes = (opset: number, ...outputs: string[]) => {
      const mode = opset >= 14 && { training_mode: { int: Number(outputs.length > 1) } };
      const all = { ...attributes, ...mode };
      const normalized = onnxNode('BatchNormalization', 'x scale bias mean var', '', all);
      return model(
        {
          node: [{ ...normalized, output: outputs }],
          initializer: statistics,
          input: [input('x', [2, 2, 1])],
          output: outputs.filter((name) => name !== 'saved').map((name) => ({ name })),
        },
        opset,
      );
    };
    const x = [1, 2, 3, 6];
    for (const opset of [9, 15]) expect(resultOf(bytes(opset, 'y'), { x })).toEqual([3, 1, 7, 3]);
    for (const training of [bytes(9, 'y', 'm', 'v', 'saved'), bytes(15, 'y', 'm', 'v')]) {
      expect(resultOf(training, { x })).toEqual([-1, -1, 3, 1]);
      expect(resultOf(training, { x }, {}, 'm')).toEqual([0.5, 1]);
      expect(resultOf(training, { x }, {}, 'v')).toEqual([1, 4]);
    }
  });

  it('refuses numbers that do not fit, and bounds that are none', () => {
    const bytes = (opType: string, constant: ReturnType<typeof onnxTensor>) =>
      model({
        node: [onnxNode(opType, 'x c', 'y')],
        initializer: [constant],
        input: [input('x', [2])],
        output: [{ name: 'y' }],
      });
    const large = onnxTensor('c', [], [1e300], 'double');
    expect(() => loadOnnx(bytes('Mul', large))).toThrow(/1e\+300 does not fit f32/);
    const { weights } = loadOnnx(bytes('Mul', onnxTensor('c', [2], [1, -1e300], 'double')));
    expect(() => weights.read('c', [2])).toThrow(/weight "c" has -1e\+300, which does not fit f32/);
    const none = onnxTensor('c', [], [Number.NaN]);
    expect(() => loadOnnx(bytes('Clip', none))).toThrow(/Clip \(1\): node 0: min is not a number/);
  });

  it('reads operator sets that are newer than all it knows', () => {
    const graph = {
      node: [onnxNode('Relu', 'x', 'y')],
      input: [input('x', [2])],
      output: [{ name: 'y' }],
    };
    for (const opset of [6, 25, 26]) {
      expect(resultOf(model(graph, opset), { x: [-1, 1] })).toEqual([0, 1]);
    }
  });

  it('computes large constants when weights are read', () => {
    const rows = 2 ** 17;
    const quantized = Array.from({ length: 2 * rows }, (_, i) => (i % 200) - 100);
    const bytes = model({
      node: [
        onnxNode('DequantizeLinear', 'q s', 'w'),
        onnxNode('Transpose', 'w', 't', { perm: { ints: [1, 0] } }),
        onnxNode('Mul', 'x t', 'y'),
      ],
      initializer: [onnxTensor('q', [rows, 2], quantized, 'int8'), onnxTensor('s', [], [0.5])],
      input: [input('x', [1])],
      output: [{ name: 'y' }],
    });
    const { graph, weights } = loadOnnx(bytes);
    expect(graph.nodes.map(({ op }) => op.name)).toEqual(['pointwise']);
    const read = weights.read('t', [2, rows]);
    expect([read[0], read[1], read[rows], read[rows + 1]]).toEqual([-50, -49, -49.5, -48.5]);
  });

  it('standardises weights when they are read, as NFNets and BiT do', () => {
    const length = 2 ** 16;
    const bytes = model({
      node: [
        onnxNode('ReduceMean', 'w', 'means', { axes: { ints: [0, 2] }, keepdims: { int: 0 } }),
        onnxNode('BatchNormalization', 'w scale shift means variances', 'standard', {
          epsilon: { float: 0 },
        }),
        onnxNode('InstanceNormalization', 'standard scale shift', 't', { epsilon: { float: 0 } }),
        onnxNode('Mul', 'x t', 'y'),
      ],
      initializer: [
        onnxTensor(
          'w',
          [1, 2, length],
          Array.from({ length: 2 * length }, (_, i) => 3 + (i % 2)),
        ),
        onnxTensor('scale', [2], [1, 2]),
        onnxTensor('shift', [2], [0, 1]),
        onnxTensor('variances', [2], [4, 1]),
      ],
      input: [input('x', [1])],
      output: [{ name: 'y' }],
    });
    const { graph, weights } = loadOnnx(bytes);
    expect(graph.nodes.map(({ op }) => op.name)).toEqual(['pointwise']);
    const read = weights.read('t', [1, 2, length]);
    // The second normalisation is by what the first has made, whose deviations are 1 / 4 and 1.
    expect([read[0], read[1], read[length], read[length + 1]]).toEqual([-1, 1, -1, 3]);
  });
});

describe('onnxInputs', () => {
  it('lists what is fed, with what the file leaves open', () => {
    const bytes = model({
      node: [onnxNode('Add', 'x w', 'y')],
      initializer: [onnxTensor('w', [1], [1])],
      input: [
        input('x', ['batch', 3, 'height', 4]),
        input('w', [1]),
        input('ids', [1], 7),
        { name: 'any' },
      ],
      output: [{ name: 'y' }],
    });
    expect(onnxInputs(bytes)).toEqual([
      { name: 'x', type: 'float32', shape: [undefined, 3, undefined, 4] },
      { name: 'ids', type: 'int64', shape: [1] },
      { name: 'any', type: 'no tensor', shape: undefined },
    ]);
    expect(() => onnxInputs(Uint8Array.of(1, 2), 'x.onnx')).toThrow(
      /ONNX file "x\.onnx": is damaged/,
    );
  });
});

type Numbers = Readonly<Record<string, readonly number[]>>;

/** What a file makes of its inputs, by the references. */
function resultOf(
  bytes: Uint8Array,
  inputs: Numbers,
  options: OnnxImportOptions = {},
  output = 'y',
): readonly number[] {
  const { graph, weights } = loadOnnx(bytes, options);
  const data = Object.entries(inputs).map(([name, list]) => [name, Float32Array.from(list)]);
  const values = runReference(graph, weights, Object.fromEntries(data));
  const value = graph.outputs.get(output);
  return [...((value && values.get(value)) ?? [])];
}

function refusalOf(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return '';
}

describe('onnxModel', () => {
  it('refuses more than is planned, as loadOnnx does', () => {
    const node = Array.from({ length: 17_000 }, (_, i) => onnxNode('Relu', `v${i}`, `v${i + 1}`));
    const bytes = model({
      node,
      input: [input('v0', [1n, 3n, 2n, 2n])],
      output: [{ name: 'v17000' }],
    });
    for (const read of [loadOnnx, onnxModel]) {
      expect(() => read(bytes)).toThrow(/reads 17000 values; at most 16384 are planned/);
    }
  });

  it.each([
    [
      [1, 1, 28, 20],
      'GlobalMaxPool',
      { channels: 1, size: [28, 20], domain: 'digits', classes: 1 },
    ],
    [
      [1, 3, -1, -1],
      'GlobalMaxPool',
      { channels: 3, size: [224, 224], domain: 'imagenet', classes: 3 },
    ],
    // What gives a map says it of each pixel.
    [[1, 3, 28, 20], 'Relu', { channels: 3, size: [28, 20], domain: 'masks', classes: 3 }],
    [[1, 28, 20, 3], 'Relu', { channels: 3, size: [28, 20], domain: 'masks', classes: 3 }],
    [[-1, -1, -1, 1], 'Relu', { channels: 1, size: [224, 224], domain: 'masks', classes: 1 }],
    [[1, 3, 28, 1], 'Relu', { channels: 3, size: [28, 1], domain: 'masks', classes: 3 }],
  ])('takes images of %j, for %s', (dims, opType, expected) => {
    const bytes = model({
      node: [onnxNode(opType, 'x', 'y')],
      input: [input('x', dims)],
      output: [{ name: 'y' }],
    });
    expect(onnxModel(bytes, { name: 'net.onnx' })).toMatchObject({
      name: 'net.onnx',
      summary: 'ONNX file net.onnx',
      ...expected,
    });
  });

  it.each([
    [[[1, 3, 8]], 'got "x0" [1, 3, 8];'],
    [[[1, 'c', 8, 8]], 'got "x0" [1, ?, 8, 8];'],
    [[[1, 3, 8, 8], [1]], 'got "x0" [1, 3, 8, 8], "x1" [1];'],
    [[], 'got none that is fed;'],
  ])('refuses inputs of %j, which are no images', (inputs, got) => {
    const bytes = model({
      node: [onnxNode('Relu', 'x0', 'y')],
      input: inputs.map((dims, i) => input(`x${i}`, dims)),
      output: [{ name: 'y' }],
    });
    expect(() => onnxModel(bytes)).toThrow(
      `expected one input of images [N, C, H, W] or [N, H, W, C], ${got}`,
    );
  });

  it('has probabilities where a softmax makes them', () => {
    const built = (opType: string) => {
      const { build } = onnxModel(
        model({
          node: [onnxNode(opType, 'x', 'y')],
          input: [input('x', [1n, 3n, 2n, 2n])],
          output: [{ name: 'y' }],
        }),
      );
      const g = GraphBuilder.create();
      return Object.keys(build(g, g.input('x', [1, 3, 2, 2])));
    };
    expect(built('Softmax')).toEqual(['y', 'logits', 'probabilities']);
    expect(built('Relu')).toEqual(['y', 'logits']);
  });

  it('has the weights that its outputs need', () => {
    const bytes = model({
      node: [onnxNode('Add', 'x b', 'y'), onnxNode('Mul', 'x unread', 'z')],
      initializer: [
        onnxTensor('b', [3, 1, 1], [1, 2, 3]),
        onnxTensor('unread', [3, 1, 1], [4, 5, 6]),
      ],
      input: [input('x', [1n, 3n, 2n, 2n])],
      output: [{ name: 'y' }],
    });
    expect([...(onnxModel(bytes).weights.tensors ?? [])].map(([name]) => name)).toEqual(['b']);
  });
});
