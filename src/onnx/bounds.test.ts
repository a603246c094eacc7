/** Files are untrusted: what each bound lets through, and what it says of one more. */
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import {
  onnxNode as node,
  onnxFile,
  onnxInput,
  onnxTensor,
} from '../../test/fixtures/onnx_model.ts';
import { NodeProtoSchema } from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import {
  MOST_DEFERRED,
  MOST_INPUTS,
  MOST_LISTED,
  MOST_NAME_BYTES,
  MOST_NESTED,
  MOST_PARTS,
} from './bounds.ts';
import { decodeModel } from './decode.ts';
import { loadOnnx } from './import.ts';

const onnxError = (message: string) => expect.objectContaining({ name: 'OnnxError', message });

function wrapped(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const part of parts) writer.tag(field, WireType.LengthDelimited).bytes(part);
  return writer.finish();
}

/** The fields of a model, a graph, a node and an attribute, as onnx.proto numbers them. */
const [GRAPH, NODE, ATTRIBUTE, INITIALIZER] = [7, 1, 5, 5];
const [INT32_DATA, FLOAT_DATA, DIMS] = [5, 4, 1];
const ofTensor = (tensor: Uint8Array) => wrapped(GRAPH, wrapped(INITIALIZER, tensor));
const packed = (field: number, count: number) => wrapped(field, new Uint8Array(count));
const oneByOne = (field: number, count: number) =>
  Uint8Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? field << 3 : 0));
const joined = (...parts: readonly Uint8Array[]) => {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
};

describe('decodeModel', () => {
  const far = ', far beyond any convnet; store tensors as raw_data';

  it.each<[what: string, of: (count: number) => Uint8Array]>([
    ['in one list', (count) => packed(INT32_DATA, count)],
    ['in two', (count) => wrapped(DIMS, new Uint8Array(count - 5), new Uint8Array(5))],
    ['packed, and one by itself', (count) => joined(packed(DIMS, count - 1), oneByOne(DIMS, 1))],
  ])('reads as many integers as may be listed, and no more: %s', (_, of) => {
    expect(() => decodeModel(ofTensor(of(MOST_LISTED + 1)))).toThrow(
      onnxError(`lists more than 4194304 numbers${far}`),
    );
  });

  it('reads as many as that', () => {
    expect(() => decodeModel(ofTensor(packed(INT32_DATA, MOST_LISTED)))).not.toThrow();
  });

  it('counts numbers, not their bytes, and no floats', () => {
    const long = new Uint8Array(2000).map((_, i) => (i % 2 === 0 ? 0x80 : 0));
    const rest = packed(DIMS, MOST_LISTED - 1000);
    const of = (count: number) => joined(wrapped(INT32_DATA, long), rest, oneByOne(DIMS, count));
    // The last field is cut short: what was surveyed before it was no problem.
    const damaged = (bytes: Uint8Array) => ofTensor(joined(bytes, Uint8Array.of(0x0a, 9)));
    expect(() => decodeModel(damaged(of(0)))).toThrow(/is damaged or no ONNX file/);
    expect(() => decodeModel(damaged(of(1)))).toThrow(/lists more than/);
    const floats = packed(FLOAT_DATA, 4 * MOST_LISTED + 4);
    expect(() => decodeModel(damaged(floats))).toThrow(/is damaged or no ONNX file/);
  });

  it('reads as many parts as there may be, and no more', () => {
    // The model and the graph are parts, too.
    const of = (count: number) =>
      wrapped(GRAPH, wrapped(NODE, ...Array(count - 2).fill(new Uint8Array())));
    expect(decodeModel(of(MOST_PARTS)).graph?.node).toHaveLength(MOST_PARTS - 2);
    expect(() => decodeModel(of(MOST_PARTS + 1))).toThrow(
      onnxError(`has more than 100000 parts${far}`),
    );
  });

  it('reads graphs in graphs as deep as they may be, and no deeper', () => {
    // An attribute's graph is field 6; each graph in another takes a node and an attribute.
    const of = (depth: number) => {
      let bytes = new Uint8Array();
      const path = Array.from(
        { length: depth },
        (_, i) => [GRAPH, NODE, ATTRIBUTE, 6, NODE, ATTRIBUTE][i < 1 ? 0 : 1 + ((i - 1) % 3)] ?? 0,
      );
      for (const field of path.toReversed()) bytes = Uint8Array.from(wrapped(field, bytes));
      return bytes;
    };
    expect(() => decodeModel(of(MOST_NESTED))).not.toThrow();
    expect(() => decodeModel(of(MOST_NESTED + 1))).toThrow(
      onnxError(`nests messages deeper than 32${far}`),
    );
  });

  it('reads names as long as they may be, and no longer', () => {
    const of = (length: number) => {
      const named = create(NodeProtoSchema, {
        name: 'n'.repeat(length),
        docString: 'd'.repeat(9999),
      });
      return wrapped(GRAPH, wrapped(NODE, toBinary(NodeProtoSchema, named)));
    };
    expect(decodeModel(of(MOST_NAME_BYTES)).graph?.node[0]?.name).toHaveLength(512);
    expect(() => decodeModel(of(MOST_NAME_BYTES + 1))).toThrow(
      onnxError('has a name of 513 bytes; at most 512 are read'),
    );
  });
});

describe('loadOnnx', () => {
  const output = [{ name: 'y' }];
  const unsupported = (message: string) =>
    expect.objectContaining({
      name: 'UnsupportedError',
      message: `ONNX file "model.onnx": 1 of its parts is not supported:\n  ${message}`,
    });

  it('reads nodes of as many values as there may be, and no more', () => {
    const of = (count: number) =>
      onnxFile({
        node: [node('Concat', Array(count).fill('x').join(' '), 'y', { axis: { int: 0 } })],
        input: [onnxInput('x', [1])],
        output,
      });
    expect(loadOnnx(of(MOST_INPUTS)).graph.outputs.get('y')?.desc.shape).toEqual([4096]);
    expect(() => loadOnnx(of(MOST_INPUTS + 1))).toThrow(
      onnxError('ONNX file "model.onnx": Concat "node 0" reads 4097 values; at most 4096 are read'),
    );
  });

  it('cuts long names of nodes and graphs', () => {
    const name = 'n'.repeat(300);
    const { graph } = loadOnnx(
      onnxFile({
        name,
        node: [{ ...node('Relu', 'x', 'y'), name }],
        input: [onnxInput('x', [1])],
        output,
      }),
    );
    expect([graph.name, graph.nodes[0]?.name]).toEqual(['n'.repeat(256), 'n'.repeat(256)]);
  });

  it('computes as much when the model is loaded as may be, and no more', () => {
    // Each pair of a million places is read at once: the data, and what it is computed of.
    const of = (count: number) =>
      onnxFile({
        node: [
          node('ConstantOfShape', 'size', 'zeros'),
          node('NonZero', 'zeros', 'places'),
          node('Shape', 'places', 'shape'),
          node('ConstantOfShape', 'shape', 'none'),
          node('ReduceSum', 'none', 'sum', { keepdims: { int: 0 } }),
          node('Add', 'x sum', 'y'),
        ],
        initializer: [onnxTensor('size', [1], [count], 'integer')],
        input: [onnxInput('x', [1])],
        output,
      });
    expect(() => loadOnnx(of(2 ** 20 - 100))).not.toThrow();
    expect(() => loadOnnx(of(2 ** 20 + 1))).toThrow(
      unsupported(
        'NonZero (1): node 1: the input of 1048577 elements would be computed when the model is loaded',
      ),
    );
  });

  it('computes as much when weights are read as may be, and no more', () => {
    // What has 2^23 elements reads as many, and makes as many: with what was before, 2^23 more each time.
    const of = (count: number) => {
      const chain = Array.from({ length: count }, (_, i) => node('Neg', `c${i}`, `c${i + 1}`));
      return onnxFile({
        node: [node('ConstantOfShape', 'size', 'c0'), ...chain, node('Add', `c${count} x`, 'y')],
        initializer: [onnxTensor('size', [1], [2 ** 23], 'integer')],
        input: [onnxInput('x', [1])],
        output,
      });
    };
    // 1 + 3 + 5 + ... times 2^23: as many as fit are the root of 2^28 / 2^23 = 32.
    const most = Math.floor(Math.sqrt(MOST_DEFERRED / 2 ** 23)) - 1;
    expect(() => loadOnnx(of(most))).not.toThrow();
    expect(loadOnnx(of(most + 1)).graph.nodes.length).toBeGreaterThan(
      loadOnnx(of(most)).graph.nodes.length,
    );
  });
});
