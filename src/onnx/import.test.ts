import { describe, expect, it } from 'vitest';
import { inputsOf, largest, referenceOutputs } from '../../test/fixtures/compare_graphs.ts';
import { expectClose } from '../../test/fixtures/expect_close.ts';
import {
  onnxInput as input,
  onnxFile as model,
  onnxNode,
  onnxTensor,
} from '../../test/fixtures/onnx_model.ts';
import { Random } from '../../test/fixtures/random.ts';
import { randomGraph } from '../../test/fixtures/random_graph.ts';
import { runReference } from '../reference.ts';
import { reshape } from '../runtime/reshape.ts';
import { syntheticWeights } from '../runtime/weights/synthetic.ts';
import { exportOnnx } from './export.ts';
import { loadOnnx } from './import.ts';
import { TensorProto_DataLocation } from './schema/onnx_pb.ts';

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
          'Magic "first": no such operator here',
          'com.vendor.Conv "second": no such operator here',
          'Reshape "third": the shape "w" must be known when the model is loaded; it is an input of the model: give it once, as one of the constants',
        ].join('\n  '),
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

  it('refuses what moves along three axes', () => {
    const bytes = model({
      node: [
        { opType: 'Conv', name: 'conv', input: ['x', 'w'], output: ['a'] },
        onnxNode('MaxPool', 'x', 'y', { kernel_shape: { ints: [2, 2, 2] } }),
      ],
      input: [input('x', [1n, 1n, 4n, 4n, 4n]), input('w', [1n, 1n, 2n, 2n, 2n])],
      output: [{ name: 'a' }, { name: 'y' }],
    });
    expect(() => loadOnnx(bytes)).toThrow(
      'Conv "conv": 3-D convolutions are not read\n  MaxPool "node 1": 3-D pools are not read',
    );
  });

  it('lists a hundred, and counts the rest', () => {
    const node = Array.from({ length: 130 }, (_, i) => onnxNode('Magic', 'x', `y${i}`));
    const output = node.map((_, i) => ({ name: `y${i}` }));
    const bytes = model({ node, input: [input('x', [1])], output });
    expect(() => loadOnnx(bytes)).toThrow(
      /130 of its parts are not supported:\n(.*"node \d+".*\n){100} {2}\.\.\. and 30 more$/,
    );
  });

  it('lists nodes that read what comes after the first output of another', () => {
    const bytes = model({
      node: [
        { opType: 'Dropout', name: 'drop', input: ['x'], output: ['a', 'mask'] },
        { opType: 'Mul', name: 'scale', input: ['a', 'mask'], output: ['y'] },
      ],
      input: [input('x', [1n, 2n])],
      output: [{ name: 'y' }, { name: 'mask' }],
    });
    expect(() => loadOnnx(bytes)).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: [
          'ONNX file "model.onnx": 2 of its parts are not supported:',
          'Mul "scale": reads "mask" of Dropout "drop", which is not had',
          'the model: reads "mask" of Dropout "drop", which is not had',
        ].join('\n  '),
      }),
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
});
