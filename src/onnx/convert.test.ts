import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  type GraphInit,
  int,
  onnxNode as node,
  onnxFile,
  onnxInput,
  onnxTensor,
  onnxTensorBeside,
} from '../../test/fixtures/onnx_model.ts';
import { ModelProtoSchema } from '../../test/fixtures/onnx_schema/onnx_pb.ts';
import { findOnnxRuntime, runOnnxRuntime } from '../../test/fixtures/onnxruntime.ts';
import { lenetModel } from '../models/lenet.ts';
import { buildModel } from '../models/model.ts';
import { runReference } from '../reference.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import type { Shape } from '../runtime/tensor.ts';
import { syntheticInput, syntheticTensor, syntheticWeights } from '../runtime/weights/synthetic.ts';
import { convertOnnx } from './convert.ts';
import { OnnxError } from './errors.ts';
import { exportOnnx } from './export.ts';
import { loadOnnx } from './import.ts';

const INPUT: Shape = [1, 4, 4, 4];

function weight(name: string, ...shape: readonly number[]) {
  return onnxTensor(name, shape, [...syntheticTensor(name, shape)]);
}

/** Every layer that has such weights, and a bias. */
const GRAPH: GraphInit = {
  input: [onnxInput('x', INPUT)],
  output: [onnxInput('y', [1, 6])],
  node: [
    node('Conv', 'x c.w c.b', 'c'),
    node('ConvTranspose', 'c t.w', 't'),
    node('GlobalAveragePool', 't', 'p'),
    node('Flatten', 'p', 'f'),
    node('Gemm', 'f g.w', 'g', { transB: int(1) }),
    node('Gemm', 'g h.w', 'h'),
    node('MatMul', 'h m.w', 'y'),
  ],
  initializer: [
    weight('c.w', 5, 4, 2, 2),
    weight('c.b', 5),
    weight('t.w', 5, 3, 2, 2),
    weight('g.w', 7, 3),
    weight('h.w', 7, 4),
    weight('m.w', 4, 6),
  ],
};
const WEIGHTS = ['c.w', 't.w', 'g.w', 'h.w', 'm.w'];

function graphOf(bytes: Uint8Array) {
  const { graph, irVersion } = fromBinary(ModelProtoSchema, bytes);
  if (!graph) throw new Error('no graph');
  const tensors = Object.fromEntries(graph.initializer.map((one) => [one.name, one]));
  const ops = graph.node.map(({ opType }) => opType);
  return { graph, tensors, ops, irVersion };
}

/** What the first output is, computed on the CPU, of the input that goes with all. */
function computed(bytes: Uint8Array): Float64Array {
  const { graph, weights } = loadOnnx(bytes);
  const feeds = graph.inputs.map(({ name, desc }) => [name, syntheticInput(desc.shape)] as const);
  const values = runReference(graph, weights, Object.fromEntries(feeds));
  const [output] = graph.outputs.values();
  const result = output && values.get(output);
  expect(result?.length).toBeGreaterThan(0);
  return result ?? new Float64Array();
}

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>, share: number): void {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...Array.from(expected, Math.abs));
  expect(largest).toBeGreaterThan(0);
  const worst = Math.max(...Array.from(expected, (x, i) => Math.abs(x - (actual[i] ?? NaN))));
  expect(worst / largest).toBeLessThan(share);
  expect(worst).toBeGreaterThan(0);
}

describe('convertOnnx', () => {
  const file = onnxFile(GRAPH);

  it('stores weights as f16, each with a Cast, and leaves the bias', () => {
    const { bytes, converted } = convertOnnx(file, { to: 'f16' });
    expect(converted).toEqual(WEIGHTS);
    const { tensors, ops } = graphOf(bytes);
    expect(ops.slice(0, 6)).toEqual([...Array(5).fill('Cast'), 'Conv']);
    expect(tensors['c.w_f16']?.rawData).toHaveLength(2 * 80);
    expect(tensors['c.b']?.dataType).toBe(1);
    expect('c.w' in tensors).toBe(false);
    expectNear(computed(bytes), computed(file), 1e-2);
  });

  it('stores weights of layers as int8, with a scale for each output channel', () => {
    const { bytes, converted } = convertOnnx(file, { to: 'int8' });
    expect(converted).toEqual(WEIGHTS);
    const { graph, tensors, ops } = graphOf(bytes);
    expect(ops.slice(0, 6)).toEqual([...Array(5).fill('DequantizeLinear'), 'Conv']);
    expect(tensors['c.w_int8']?.rawData).toHaveLength(80);
    const scales = graph.node.slice(0, 5).map(({ attribute, input }) => {
      return [Number(attribute[0]?.i), ...(tensors[input[1] ?? '']?.dims ?? []).map(Number)];
    });
    expect(scales).toEqual([
      [0, 5],
      [1, 3],
      [0, 7],
      [1, 4],
      [1, 6],
    ]);
    expectNear(computed(bytes), computed(file), 5e-2);
  });

  it('does so by a Cast and a Mul before operator set 13', () => {
    const old = onnxFile(GRAPH, 11);
    const { bytes } = convertOnnx(old, { to: 'int8' });
    expect(graphOf(bytes).ops.slice(0, 3)).toEqual(['Cast', 'Mul', 'Cast']);
    expectNear(computed(bytes), computed(old), 5e-2);
    expect(() => convertOnnx(onnxFile(GRAPH, 6), { to: 'int8' })).toThrow('7 and later');
  });

  it('leaves weights that something else reads, or with channels along another axis', () => {
    const shared: GraphInit = {
      input: [onnxInput('x', [4, 4])],
      output: [onnxInput('y', [4, 4]), onnxInput('seen', [4, 4])],
      node: [
        node('MatMul', 'x added', 'a'),
        node('Add', 'a added', 'b'),
        node('MatMul', 'b turned', 'c'),
        node('Gemm', 'c turned', 'd', { transB: int(1) }),
        node('MatMul', 'd seen', 'e'),
        node('MatMul', 'first e', 'f'),
        node('MatMul', 'f twice', 'g'),
        node('MatMul', 'g twice', 'y'),
      ],
      initializer: ['added', 'turned', 'seen', 'first', 'twice'].map((name) => weight(name, 4, 4)),
    };
    expect(convertOnnx(onnxFile(shared), { to: 'int8' }).converted).toEqual(['twice']);
    expect(convertOnnx(onnxFile(shared), { to: 'f16' }).converted).toHaveLength(5);
  });

  it('takes tensors of Constant nodes, of inputs of the first versions, and of other files', () => {
    const model = create(ModelProtoSchema, {
      irVersion: 3n,
      opsetImport: [{ version: 13n }],
      graph: {
        ...GRAPH,
        input: [...(GRAPH.input ?? []), onnxInput('c.w', [5, 4, 2, 2])],
        node: [
          {
            opType: 'Constant',
            output: ['g.w'],
            attribute: [{ name: 'value', type: 4, t: { ...weight('', 7, 3), name: '' } }],
          },
          ...(GRAPH.node ?? []),
        ],
        initializer: (GRAPH.initializer ?? []).flatMap((one) => {
          if (one.name === 'g.w') return [];
          if (one.name === 'c.b') return [onnxTensorBeside('c.b', [5], 'a.data')];
          if (one.name === 'm.w') return [onnxTensorBeside('m.w', [4, 6], 'b.data')];
          return [one];
        }),
      },
    });
    const external = (path: string) => {
      const [name, ...shape] = path === 'a.data' ? ['c.b' as const, 5] : ['m.w' as const, 4, 6];
      return new Uint8Array(syntheticTensor(name, shape).buffer);
    };
    // A Constant's tensor has no name, by which its numbers were made.
    const constant = model.graph?.node[0]?.attribute[0]?.t;
    if (constant) constant.floatData = [...syntheticTensor('g.w', [7, 3])];
    const { bytes, converted } = convertOnnx(toBinary(ModelProtoSchema, model), {
      to: 'int8',
      readExternal: external,
    });
    expect([...converted].sort()).toEqual([...WEIGHTS].sort());
    const { irVersion, graph } = graphOf(bytes);
    expect(irVersion).toBe(4n);
    expect(graph.input.map(({ name }) => name)).toEqual(['x']);
    expectNear(computed(bytes), computed(file), 5e-2);
  });

  it('keeps what it does not know, in parts as in one', () => {
    const model = create(ModelProtoSchema, {
      ...{ irVersion: 9n, docString: 'a model', modelVersion: 5n },
      opsetImport: [{ version: 13n }],
      graph: {
        ...GRAPH,
        ...{ docString: 'a graph', metadataProps: [{ key: 'a', value: 'b' }] },
        node: (GRAPH.node ?? []).map((one) => ({ ...one, docString: 'a node' })),
        valueInfo: [onnxInput('c', [1, 5, 3, 3])],
      },
    });
    const whole = toBinary(ModelProtoSchema, model);
    // What follows goes on with the graph before it, and is nothing that is known.
    const more = toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: { name: 'later' } }));
    const strange = Uint8Array.of(0xfa, 0x3f, 2, 1, 2);
    for (const bytes of [whole, Uint8Array.of(...whole, ...more, ...strange)]) {
      const { bytes: made } = convertOnnx(bytes, { to: 'f16' });
      const found = fromBinary(ModelProtoSchema, made);
      const { irVersion, docString, modelVersion, graph } = found;
      expect({ irVersion, docString, modelVersion }).toEqual({
        ...{ irVersion: 9n, docString: 'a model', modelVersion: 5n },
      });
      expect(graph?.docString).toBe('a graph');
      expect(graph?.metadataProps[0]).toMatchObject({ key: 'a', value: 'b' });
      expect(graph?.valueInfo[0]?.name).toBe('c');
      const kept = graph?.node.filter(({ opType }) => opType !== 'Cast') ?? [];
      expect(kept.map((one) => one.docString)).toEqual(GRAPH.node?.map(() => 'a node'));
      expect(graph?.name).toBe(bytes === whole ? '' : 'later');
      expect(found.$unknown?.length ?? 0).toBe(bytes === whole ? 0 : 1);
      expectNear(computed(made), computed(file), 1e-2);
    }
  });

  it('names what it adds otherwise than what there is', () => {
    const taken: GraphInit = {
      input: [onnxInput('x', [4, 4])],
      output: [onnxInput('y', [4, 4])],
      node: [node('MatMul', 'x w', 'w_int8'), node('MatMul', 'w_int8 w_scale', 'y')],
      initializer: [weight('w', 4, 4), weight('w_scale', 4, 4)],
    };
    const { bytes } = convertOnnx(onnxFile(taken), { to: 'int8' });
    expectNear(computed(bytes), computed(onnxFile(taken)), 5e-2);
  });

  it('refuses files that are broken, converted already, or without weights', () => {
    for (const to of ['f16', 'int8'] as const) {
      const { bytes } = convertOnnx(file, { to });
      expect(() => convertOnnx(bytes, { to, name: 'a.onnx' })).toThrow(UnsupportedError);
      const message =
        /ONNX file "a.onnx": expected weights of floats .* got none among \d+ tensors/;
      expect(() => convertOnnx(bytes, { to, name: 'a.onnx' })).toThrow(message);
    }
    const { bytes } = convertOnnx(file, { to: 'int8' });
    expect(() => convertOnnx(bytes, { to: 'f16' })).toThrow('are integers of 8 bits already');
    for (const length of [1, 100, file.length - 1]) {
      expect(() => convertOnnx(file.subarray(0, length), { to: 'f16' })).toThrow(OnnxError);
    }
    const short = { ...GRAPH, initializer: [onnxTensor('c.w', [5, 4, 2, 2], [1])] };
    expect(() => convertOnnx(onnxFile(short), { to: 'f16' })).toThrow('are stored');
    const beside = { ...GRAPH, initializer: [onnxTensorBeside('c.w', [5, 4, 2, 2], '../a')] };
    expect(() => convertOnnx(onnxFile(beside), { to: 'f16' })).toThrow('a path inside of');
    expect(() => convertOnnx(file, { to: 'int4' as 'int8' })).toThrow('f16 or int8');
  });

  const onnxruntime = findOnnxRuntime();
  const lenet = exportOnnx(buildModel(lenetModel), syntheticWeights([]));
  // onnxruntime makes one node of DequantizeLinear and MatMul, which rounds what it multiplies to int8, too.
  it.skipIf(!onnxruntime).each([
    ['f16', 'all layers', 1e-5, file],
    ['int8', 'all layers', 1e-2, file],
    ['int8', 'all layers, of operator set 11', 1e-5, onnxFile(GRAPH, 11)],
    ['f16', 'LeNet', 1e-5, lenet],
    ['int8', 'LeNet', 1e-5, lenet],
  ] as const)('%s of %s is the same to onnxruntime', async (to, _, most, original) => {
    if (!onnxruntime) return;
    const { bytes } = convertOnnx(original, { to });
    const feeds = loadOnnx(bytes).graph.inputs.map(({ name, desc: { shape } }) => {
      return [name, { data: syntheticInput(shape), shape }] as const;
    });
    const results = await runOnnxRuntime(onnxruntime, bytes, Object.fromEntries(feeds));
    const actual = Object.values(results)[0]?.data ?? [];
    expectNear(actual, computed(bytes), most);
  });
});
