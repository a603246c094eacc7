import { describe, expect, it } from 'vitest';
import { convertSafetensors } from './convert_safetensors.ts';
import { globalAveragePool2d } from './layers/adaptive_average_pool2d.ts';
import { add } from './layers/arithmetic.ts';
import { batchNorm } from './layers/batch_norm.ts';
import { convTranspose2d } from './layers/conv_transpose2d.ts';
import { conv2d } from './layers/conv2d.ts';
import { flatten } from './layers/flatten.ts';
import { linear, linearOp } from './layers/linear.ts';
import { lenetModel } from './models/lenet.ts';
import { buildModel } from './models/model.ts';
import { TilewiseError, WeightError } from './runtime/errors.ts';
import { type Graph, weightsOf } from './runtime/graph.ts';
import { GraphBuilder } from './runtime/graph_builder.ts';
import { elementCount, type Shape } from './runtime/tensor.ts';
import { fromInt8 } from './runtime/weights/int8.ts';
import { openSafetensors } from './runtime/weights/safetensors.ts';
import { type NamedTensor, writeSafetensors } from './runtime/weights/safetensors_writer.ts';
import { syntheticWeights } from './runtime/weights/synthetic.ts';

/** A convolution, a norm, a transposed convolution and a linear layer. */
function network(): Graph {
  const g = GraphBuilder.create();
  const x = g.input('x', [1, 3, 4, 4]);
  const c = batchNorm(g.at('bn'), conv2d(g.at('conv'), x, { channels: 5, kernel: 3 }));
  const up = convTranspose2d(g.at('up'), c, { channels: 2, kernel: 2 });
  const means = flatten(g.at('flat'), globalAveragePool2d(g.at('means'), up));
  g.output('logits', linear(g.at('fc'), means, { features: 7 }));
  return g.build('net');
}

function tensor(name: string, shape: Shape, data: Float32Array): NamedTensor {
  return { name, shape, dtype: 'F32', data: new Uint8Array(data.buffer as ArrayBuffer) };
}

/** A counter as PyTorch has it, and what files say of themselves. */
const COUNTER = { name: 'bn.num_batches_tracked', shape: [], dtype: 'I64' } as const;
const METADATA = { format: 'pt', licence: 'free' };

function fileOf(graph: Graph, ...more: readonly NamedTensor[]): Uint8Array<ArrayBuffer> {
  const weights = syntheticWeights([]);
  const tensors = weightsOf(graph).map(({ name, desc: { shape } }) =>
    tensor(name, shape, weights.read(name, shape)),
  );
  const counter = { ...COUNTER, data: Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0) };
  return writeSafetensors([counter, ...tensors, ...more], METADATA);
}

function typesIn(bytes: Uint8Array): Readonly<Record<string, string>> {
  const { tensors } = openSafetensors(bytes, 'x');
  return Object.fromEntries([...(tensors ?? [])].map(([name, { dtype }]) => [name, dtype]));
}

function headerOf(bytes: Uint8Array) {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  expect(length % 8).toBe(0);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
}

const graph = network();
const WEIGHTS = ['conv.weight', 'up.weight', 'fc.weight'];

describe('convertSafetensors', () => {
  it('stores what has more than one axis as f16, and all else as it was', () => {
    const before = fileOf(graph);
    const { bytes, converted } = convertSafetensors(before, { to: 'f16' });
    expect([...converted].sort()).toEqual([...WEIGHTS].sort());
    const types = typesIn(bytes);
    for (const [name, type] of Object.entries(typesIn(before)))
      expect(types[name], name).toBe(WEIGHTS.includes(name) ? 'F16' : type);
    expect(headerOf(bytes).__metadata__).toEqual(METADATA);
    compare(before, bytes, (value) => Math.abs(value) * 2 ** -11);
  });

  it('stores weights of layers as int8 beside the scales of their output channels', () => {
    const before = fileOf(graph);
    const { bytes, converted } = convertSafetensors(before, { to: 'int8', graph });
    expect([...converted].sort()).toEqual([...WEIGHTS].sort());
    const header = headerOf(bytes);
    expect(header['conv.weight_scale'].shape).toEqual([5, 1, 1, 1]);
    expect(header['up.weight_scale'].shape).toEqual([1, 2, 1, 1]);
    expect(header['fc.weight_scale'].shape).toEqual([7, 1]);
    expect(header['fc.weight'].dtype).toBe('I8');
    expect(header['bn.num_batches_tracked'].dtype).toBe('I64');
    // The largest value of these weights is below 1.2: a step is a 127th of it.
    compare(before, bytes, () => 0.6 / 127);
  });

  it('lays tensors where readers want them', () => {
    const { bytes } = convertSafetensors(fileOf(graph), { to: 'int8', graph });
    for (const [name, { dtype, data_offsets }] of Object.entries<{
      dtype: string;
      data_offsets: readonly number[];
    }>(headerOf(bytes))) {
      if (name === '__metadata__') continue;
      expect((data_offsets[0] ?? 0) % (Number(dtype.slice(1)) / 8), name).toBe(0);
    }
  });

  it('leaves what f16 has not, or not in full', () => {
    const values = (...some: number[]) => Float32Array.from(some);
    const tensors = [
      tensor('large', [2, 2], values(1, 2, 3, 65505)),
      tensor('small', [2, 2], values(1e-5, 0, 0, 0)),
      tensor('none', [2, 2], values(1, Number.NaN, 0, 0)),
      tensor('column', [4, 1, 1], values(1, 2, 3, 4)),
      tensor('fits', [2, 2], values(65504, 1e-9, 0, 0)),
    ];
    const { bytes, converted } = convertSafetensors(writeSafetensors(tensors, undefined), {
      to: 'f16',
    });
    expect(converted).toEqual(['fits']);
    expect('__metadata__' in headerOf(bytes)).toBe(false);
  });

  it('leaves a weight that is no layer’s alone, and one that is not finite', () => {
    const g = GraphBuilder.create();
    const x = g.input('x', [2, 2]);
    const y = linear(g.at('a'), x, { features: 2, bias: false });
    g.output('y', linear(g.at('b'), y, { features: 2, bias: false }));
    const two = g.build('two');
    const file = writeSafetensors(
      [
        tensor('a.weight', [2, 2], Float32Array.of(1, 2, Number.NaN, 4)),
        tensor('b.weight', [2, 2], Float32Array.of(1, 2, 3, 4)),
      ],
      undefined,
    );
    expect(convertSafetensors(file, { to: 'int8', graph: two }).converted).toEqual(['b.weight']);
  });

  it('leaves a weight that something else reads, too', () => {
    const g = GraphBuilder.create();
    const shared = g.weight('shared.weight', [2, 2]);
    const x = add(g.at('sum'), g.input('x', [2, 2]), shared);
    const y = g.at('tied').add(linearOp, {}, { x, weight: shared });
    g.output('y', linear(g.at('own'), y, { features: 2, bias: false }));
    const file = writeSafetensors(
      ['own.weight', 'shared.weight'].map((name) =>
        tensor(name, [2, 2], Float32Array.of(1, 2, 3, 4)),
      ),
      undefined,
    );
    const { converted } = convertSafetensors(file, { to: 'int8', graph: g.build('tied') });
    expect(converted).toEqual(['own.weight']);
  });

  it('takes what has been half as large before', () => {
    const half = convertSafetensors(fileOf(graph), { to: 'f16' }).bytes;
    const { converted } = convertSafetensors(half, { to: 'int8', graph });
    expect([...converted].sort()).toEqual([...WEIGHTS].sort());
    expect(() => convertSafetensors(half, { to: 'f16' })).toThrow(
      'expected weights of more than one axis within the range of f16 to store as f16, got none among',
    );
  });

  it('refuses files that are int8, broken, or of another model, and int8 without a graph', () => {
    const integers = convertSafetensors(fileOf(graph), { to: 'int8', graph }).bytes;
    for (const to of ['f16', 'int8'] as const) {
      expect(() => convertSafetensors(integers, { to, graph, name: 'a.safetensors' })).toThrow(
        /weights file "a.safetensors": tensor ".*": expected floats, got I8/,
      );
    }
    const whole = fileOf(graph);
    for (const length of [0, 7, 100, whole.length - 1]) {
      const cut = whole.subarray(0, length);
      expect(() => convertSafetensors(cut, { to: 'f16' })).toThrow(WeightError);
    }
    const other = buildModel(lenetModel);
    expect(() => convertSafetensors(whole, { to: 'int8', graph: other })).toThrow(
      'do not fit the model',
    );
    expect(() => convertSafetensors(whole, { to: 'int8' })).toThrow(TilewiseError);
    expect(() => convertSafetensors(whole, { to: 'int4' as 'int8' })).toThrow('f16 or int8');
  });
});

/** Each weight is the same but for an error that is allowed. */
function compare(before: Uint8Array, after: Uint8Array, allowed: (value: number) => number): void {
  const [old, fresh] = [openSafetensors(before, 'x'), fromInt8(openSafetensors(after, 'x'))];
  for (const [name, { shape, dtype }] of old.tensors ?? []) {
    if (dtype === 'I64') continue;
    const [one, two] = [old.read(name, shape), fresh.read(name, shape)];
    expect(two).toHaveLength(elementCount(shape));
    for (const [i, value] of one.entries()) {
      const most = WEIGHTS.includes(name) ? allowed(value) : 0;
      expect(Math.abs(value - (two[i] ?? Number.NaN)), name).toBeLessThanOrEqual(most);
    }
  }
}
