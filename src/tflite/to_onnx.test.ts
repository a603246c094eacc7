import { describe, expect, it } from 'vitest';
import { Random } from '../../test/fixtures/random.ts';
import {
  CUSTOM,
  oneOperator,
  TFLITE,
  type TfliteOperator,
  type TfliteOption,
  type TfliteTensor,
  tfliteFile,
} from '../../test/fixtures/tflite_file.ts';
import { add, mul } from '../layers/arithmetic.ts';
import { buildModel } from '../models/model.ts';
import { type Importer, loadOnnx, onnxModel } from '../onnx/index.ts';
import { runReference } from '../reference.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import { TfliteError } from './errors.ts';
import { tfliteToOnnx } from './to_onnx.ts';

const CODE = {
  ...{ add: 0, conv: 3, dequantize: 6, linear: 9, mul: 18, relu: 19, reshape: 22, softmax: 25 },
  ...{ spaceToBatch: 38, stridedSlice: 45, slice: 65, densify: 124 },
};

/** What a network gives for these values of its only input. */
function run(file: Uint8Array, x: readonly number[], batch = 1): readonly number[] {
  const { graph, weights } = loadOnnx(tfliteToOnnx(file), { batch });
  const [input] = graph.inputs;
  const inputs = { [input?.name ?? '']: Float32Array.from(x) };
  const values = runReference(graph, weights, inputs);
  const [output] = graph.outputs.values();
  return [...((output && values.get(output)) ?? [])];
}

/** y = W x of three values, W by rows. */
function linearFile(weight: TfliteTensor, rest: readonly TfliteTensor[] = []): Uint8Array {
  const form = rest.length > 0;
  return tfliteFile({
    tensors: [{ name: 'x', shape: [1, 3] }, { name: 'y', shape: [1, 2] }, weight, ...rest],
    operators: [
      ...(form ? [{ code: CODE.dequantize, inputs: [2], outputs: [3] }] : []),
      { code: CODE.linear, inputs: [0, form ? 3 : 2], outputs: [1] },
    ],
    inputs: [0],
    outputs: [1],
  });
}

const quantized = (scale: number, zero: number) => ({ scales: [scale], zeroPoints: [zero] });

const X = [1, 10, 100];
/** 1 and 1, and ReLU. */
const STRIDES: readonly TfliteOption[] = [
  [1, 'int32', 1],
  [2, 'int32', 1],
  [3, 'int8', 1],
];

describe('tfliteToOnnx', () => {
  it('keeps names and the order of axes, and leaves open what the file does', () => {
    const file = tfliteFile({
      tensors: [
        { name: 'photo', shape: [1, 2, 2, 1], signature: [-1, 2, 2, 1] },
        { name: 'relu', shape: [1, 2, 2, 1], signature: [-1, 2, 2, 1] },
      ],
      operators: [{ code: CODE.relu, inputs: [0], outputs: [1] }],
      inputs: [0],
      outputs: [1],
    });
    const { graph } = loadOnnx(tfliteToOnnx(file), { batch: 3 });
    expect(graph.inputs.map(({ name, desc }) => [name, desc.shape])).toEqual([
      ['photo', [3, 2, 2, 1]],
    ]);
    expect([...graph.outputs.keys()]).toEqual(['relu']);
    expect(run(file, [-1, 2, -3, 4, 5, -6, 7, -8], 2)).toEqual([0, 2, 0, 4, 5, 0, 7, 0]);
  });

  it('calls layers after the values that they make, and tensors without names by their numbers', () => {
    const file = oneOperator(
      { code: CODE.conv, options: STRIDES },
      [1, 4, 4, 1],
      [1, 4, 4, 1],
      [{ shape: [1, 1, 1, 1], data: Float32Array.of(2) }],
    );
    const { graph, weights } = loadOnnx(tfliteToOnnx(file));
    expect(graph.nodes.map(({ name }) => name)).toEqual([
      'y/Transpose',
      'y',
      'y/Transpose#2',
      'y#2',
    ]);
    expect([...(weights.tensors ?? [])].map(([name]) => name)).toEqual(['tensor 2']);
  });

  it.each<[string, Uint8Array]>([
    ['f32', linearFile({ shape: [2, 3], data: Float32Array.of(1, 2, 3, -4, 5, -6) })],
    [
      'halves that are made floats',
      linearFile(
        {
          shape: [2, 3],
          type: TFLITE.FLOAT16,
          data: Uint16Array.of(0x3c00, 0x4000, 0x4200, 0xc400, 0x4500, 0xc600),
        },
        [{ shape: [2, 3] }],
      ),
    ],
    [
      'int8 with a scale for each row',
      linearFile({
        shape: [2, 3],
        type: TFLITE.INT8,
        data: Int8Array.of(2, 4, 6, -16, 20, -24),
        quantization: { scales: [0.5, 0.25] },
      }),
    ],
    [
      'int4, two in a byte',
      linearFile({
        shape: [2, 3],
        type: TFLITE.INT4,
        data: Uint8Array.of(0x21, 0xc3, 0xa5),
        quantization: { scales: [1], zeroPoints: [0] },
      }),
    ],
  ])('reads weights in %s', (_, file) => {
    expect(run(file, X)).toEqual([321, -554]);
  });

  it('reads weights of which only some are stored', () => {
    const file = tfliteFile({
      tensors: [
        { name: 'x', shape: [1, 3] },
        { name: 'y', shape: [1, 2] },
        {
          shape: [2, 3],
          data: Float32Array.of(1, 3, 5),
          sparsity: { order: [0, 1], levels: [2, { segments: [0, 2, 3], indices: [0, 2, 1] }] },
        },
        { shape: [2, 3] },
      ],
      operators: [
        { code: CODE.densify, inputs: [2], outputs: [3] },
        { code: CODE.linear, inputs: [0, 3], outputs: [1] },
      ],
      inputs: [0],
      outputs: [1],
    });
    expect(run(file, X)).toEqual([301, 50]);
  });

  it('computes what is quantised in integers: rounded, and within their range', () => {
    const file = tfliteFile({
      tensors: [
        { name: 'a', shape: [1, 4], type: TFLITE.INT8, quantization: quantized(0.5, 0) },
        { name: 'y', shape: [1, 4], type: TFLITE.INT8, quantization: quantized(1, -100) },
      ],
      operators: [{ code: CODE.add, inputs: [0, 0], outputs: [1] }],
      inputs: [0],
      outputs: [1],
    });
    expect(run(file, [0, 7, -30, 127])).toEqual([-100, -93, -128, 27]);
  });

  describe('gives tasks the numbers that integers stand for', () => {
    const bytes = { type: TFLITE.UINT8, quantization: quantized(1 / 256, 0) };
    const softmax = { code: CODE.softmax, options: [[0, 'float32', 1]] as const };
    const shape = { shape: [2], type: TFLITE.INT32, data: Int32Array.of(1, 2) };
    const classifier = (ends: readonly TfliteTensor[], operators: readonly TfliteOperator[]) =>
      tfliteFile({
        tensors: [
          { name: 'x', shape: [1, 2, 2, 3] },
          { name: 'sums', shape: [1, 2] },
          { shape: [2, 12], data: new Float32Array(24).fill(0.1) },
          shape,
          ...ends.map((tensor) => ({ ...tensor, shape: [1, 2] })),
        ],
        operators: [{ code: CODE.linear, inputs: [0, 2], outputs: [1] }, ...operators],
        inputs: [0],
        outputs: [ends.length + 3],
      });
    const input = new Float32Array(12).fill(1);

    it.each([
      [
        'at the end',
        128,
        classifier(
          [{ name: 'y', ...bytes, shape: [] }],
          [{ ...softmax, inputs: [1], outputs: [4] }],
        ),
      ],
      [
        'before they are moved',
        128,
        classifier(
          [
            { ...bytes, shape: [] },
            { name: 'y', ...bytes, shape: [] },
          ],
          [
            { ...softmax, inputs: [1], outputs: [4] },
            { code: CODE.reshape, inputs: [4, 3], outputs: [5] },
          ],
        ),
      ],
      [
        'before they are numbers again',
        0.5,
        classifier(
          [
            { ...bytes, shape: [] },
            { name: 'y', shape: [] },
          ],
          [
            { ...softmax, inputs: [1], outputs: [4] },
            { code: CODE.dequantize, inputs: [4], outputs: [5] },
          ],
        ),
      ],
    ])('%s', (_, given, file) => {
      expect(run(file, [...input])).toEqual([given, given]);
      const model = onnxModel(tfliteToOnnx(file));
      const graph = buildModel(model, { outputs: ['logits', 'y'] });
      const values = runReference(graph, model.weights, { input });
      const of = (name: string) => {
        const value = graph.outputs.get(name);
        return [...((value && values.get(value)) ?? [])];
      };
      expect(of('logits').map((value) => value.toFixed(5))).toEqual(['0.50000', '0.50000']);
    });
  });

  it('sees the softmax before what moves its result', () => {
    const file = tfliteFile({
      tensors: [
        { name: 'x', shape: [1, 2, 1, 3] },
        { shape: [2, 6], data: new Float32Array(12).fill(0.1) },
        { shape: [1, 2] },
        { shape: [1, 2] },
        { name: 'y', shape: [1, 2, 1] },
        { shape: [3], type: TFLITE.INT32, data: Int32Array.of(1, 2, 1) },
      ],
      operators: [
        { code: CODE.linear, inputs: [0, 1], outputs: [2] },
        { code: CODE.softmax, inputs: [2], outputs: [3], options: [[0, 'float32', 1]] },
        { code: CODE.reshape, inputs: [3, 5], outputs: [4] },
      ],
      inputs: [0],
      outputs: [4],
    });
    const model = onnxModel(tfliteToOnnx(file));
    expect(buildModel(model, { outputs: ['probabilities'] }).outputs.size).toBe(1);
  });

  it('gives constants that are outputs as they are', () => {
    const file = tfliteFile({
      tensors: [
        { name: 'x', shape: [1, 1, 1, 2] },
        { name: 'y', shape: [1, 1, 1, 1] },
        { name: 'w', shape: [1, 1, 1, 2], data: Float32Array.of(5, 7) },
        {
          name: 'q',
          shape: [2],
          type: TFLITE.INT8,
          data: Int8Array.of(2, 4),
          quantization: quantized(0.5, 0),
        },
        { name: 'd', shape: [2] },
      ],
      operators: [
        { code: CODE.conv, inputs: [0, 2], outputs: [1], options: STRIDES },
        { code: CODE.dequantize, inputs: [3], outputs: [4] },
      ],
      inputs: [0],
      outputs: [1, 2, 4, 3],
    });
    const { graph, weights } = loadOnnx(tfliteToOnnx(file));
    const values = runReference(graph, weights, { x: Float32Array.of(1, 10) });
    const outputs = [...graph.outputs].map(([name, value]) => [
      name,
      [...(values.get(value) ?? [])],
    ]);
    expect(outputs).toEqual([
      ['y', [75]],
      ['w', [5, 7]],
      ['d', [1, 2]],
      ['q', [2, 4]],
    ]);
  });

  it('leaves integers of 32 bits as they are, but for what is added to sums', () => {
    const half = quantized(0.5, 0);
    const file = tfliteFile({
      tensors: [
        { name: 'x', shape: [2], type: TFLITE.INT32, quantization: half },
        { name: 'y', shape: [2], type: TFLITE.INT32, quantization: half },
      ],
      operators: [{ code: CODE.mul, inputs: [0, 0], outputs: [1] }],
      inputs: [0],
      outputs: [1],
    });
    expect(run(file, [2, 6])).toEqual([4, 36]);
  });

  it('makes what is sparse and quantised dense for whoever moves it', () => {
    const sparsity = { order: [0], levels: [{ segments: [0, 1], indices: [1] }] };
    const half = quantized(0.5, 0);
    const file = tfliteFile({
      tensors: [
        { name: 'x', shape: [2, 1] },
        { name: 'y', shape: [2, 1] },
        { shape: [2], type: TFLITE.INT8, data: Int8Array.of(6), quantization: half, sparsity },
        { shape: [2], type: TFLITE.INT8, quantization: half },
        { shape: [2, 1], type: TFLITE.INT8, quantization: half },
        { shape: [2], type: TFLITE.INT32, data: Int32Array.of(2, 1) },
      ],
      operators: [
        { code: CODE.densify, inputs: [2], outputs: [3] },
        { code: CODE.reshape, inputs: [3, 5], outputs: [4] },
        { code: CODE.add, inputs: [0, 4], outputs: [1] },
      ],
      inputs: [0],
      outputs: [1],
    });
    expect(run(file, [10, 20])).toEqual([10, 23]);
  });

  describe('with more images than the file says', () => {
    const of = (
      code: number,
      lists: readonly (readonly number[])[],
      open: boolean,
      output: readonly number[],
    ) =>
      tfliteFile({
        tensors: [
          { name: 'x', shape: [1, 2], ...(open && { signature: [-1, 2] }) },
          { name: 'y', shape: output },
          ...lists.map((list) => ({
            shape: [list.length],
            type: TFLITE.INT32,
            data: Int32Array.from(list),
          })),
        ],
        operators: [{ code, inputs: [0, ...lists.map((_, i) => i + 2)], outputs: [1] }],
        inputs: [0],
        outputs: [1],
      });

    it.each([
      ['reshapes each', of(CODE.reshape, [[1, 2, 1]], false, [1, 2, 1]), [2, 2, 1], [1, 2, 3, 4]],
      [
        'reshapes all, as an open file says',
        of(CODE.reshape, [[1, -1]], true, [1, 2]),
        [1, 4],
        [1, 2, 3, 4],
      ],
      [
        'slices each',
        of(
          CODE.slice,
          [
            [0, 1],
            [1, 1],
          ],
          false,
          [1, 1],
        ),
        [2, 1],
        [2, 4],
      ],
      [
        'slices each by steps',
        of(
          CODE.stridedSlice,
          [
            [0, 0],
            [1, 1],
            [1, 1],
          ],
          false,
          [1, 1],
        ),
        [2, 1],
        [1, 3],
      ],
    ])('%s', (_, file, shape, expected) => {
      const { graph, weights } = loadOnnx(tfliteToOnnx(file), { shapes: { x: [2, 2] } });
      const values = runReference(graph, weights, { x: Float32Array.of(1, 2, 3, 4) });
      const [output] = graph.outputs.values();
      expect(output?.desc.shape).toEqual(shape);
      expect([...((output && values.get(output)) ?? [])]).toEqual(expected);
    });

    it('refuses maps of another size than are cut into blocks', () => {
      const list = (...values: number[]) => ({
        shape: [values.length],
        type: TFLITE.INT32,
        data: Int32Array.from(values),
      });
      const file = oneOperator(
        { code: CODE.spaceToBatch },
        [1, 4, 4, 1],
        [4, 2, 2, 1],
        [list(2, 2), list(0, 0, 0, 0)],
      );
      const onnx = tfliteToOnnx(file);
      expect(() => loadOnnx(onnx, { shapes: { x: [1, 4, 8, 1] } })).toThrow('Reshape');
      expect(
        loadOnnx(onnx, { shapes: { x: [2, 4, 4, 1] } }).graph.outputs.get('y')?.desc.shape,
      ).toEqual([8, 2, 2, 1]);
    });
  });

  it('reads many tensors of one name, of characters of three bytes', () => {
    const name = '層'.repeat(300);
    const tensors = Array.from({ length: 4000 }, () => ({ name, shape: [1] }));
    const operators = [{ code: CODE.relu, inputs: [0], outputs: [1] }];
    const file = tfliteFile({ tensors, operators, inputs: [0], outputs: [1] });
    expect(loadOnnx(tfliteToOnnx(file)).graph.inputs[0]?.name).toBe('層'.repeat(128));
  });

  it('gives operators that it does not know to importers', () => {
    const file = oneOperator(
      { code: CUSTOM, custom: 'Scale', customOptions: Uint8Array.of(3) },
      [1, 2],
    );
    const onnx = tfliteToOnnx(file, 'mine.tflite');
    expect(() => loadOnnx(onnx)).toThrow('tflite.Scale (1): y: no such operator here');
    const scale: Importer = (call) => {
      const [options] = call.node.attribute;
      return mul(call.g, call.value(0), options?.s[0] ?? 0);
    };
    const { graph, weights } = loadOnnx(onnx, { importers: { 'tflite.Scale': scale } });
    const values = runReference(graph, weights, { x: Float32Array.of(1, -2) });
    expect([...values.values()].at(-1)).toEqual(Float64Array.of(3, -6));
  });

  it('gives importers the numbers that integers stand for, and makes integers of theirs', () => {
    const half = { shape: [2], type: TFLITE.INT8, quantization: quantized(0.5, 0) };
    const file = tfliteFile({
      tensors: [
        { name: 'x', ...half },
        { name: 'y', ...half },
      ],
      operators: [{ code: CUSTOM, custom: 'More', inputs: [0], outputs: [1] }],
      inputs: [0],
      outputs: [1],
    });
    const more: Importer = (call) => add(call.g, call.value(0), 1);
    const { graph, weights } = loadOnnx(tfliteToOnnx(file), { importers: { 'tflite.More': more } });
    const values = runReference(graph, weights, { x: Float32Array.of(1, 3) });
    const output = graph.outputs.get('y');
    expect(output && values.get(output)).toEqual(Float64Array.of(3, 5));
  });

  it.each<[string, Uint8Array, new (message: string) => Error, string]>([
    [
      'what is no such file',
      new Uint8Array(8),
      TfliteError,
      'TFLite file "a.tflite": is no TFLite file',
    ],
    [
      'another version',
      tfliteFile({ version: 2, tensors: [], operators: [], inputs: [], outputs: [] }),
      TfliteError,
      'is of version 2 of the format; 3 is read',
    ],
    [
      'an activation that it does not know',
      oneOperator(
        { code: CODE.add, options: [[0, 'int8', 5]] },
        [1],
        [1],
        [{ shape: [1], data: Float32Array.of(1) }],
      ),
      UnsupportedError,
      'ADD "y": has activation 5 after it, which is not read',
    ],
    [
      'an operator without what it reads',
      oneOperator({ code: CODE.conv }, [1, 2, 2, 1]),
      TfliteError,
      'CONV_2D "y": is damaged: it lacks its input 1',
    ],
    [
      'a tensor that is shorter than its shape',
      linearFile({ name: 'w', shape: [2, 3], data: Float32Array.of(1) }),
      TfliteError,
      'tensor "w": [2, 3] takes 24 bytes, 4 are stored',
    ],
    [
      'indices of tensors that are not there',
      tfliteFile({ tensors: [], operators: [], inputs: [], outputs: [7] }),
      TfliteError,
      'speaks of tensors that it does not have',
    ],
    [
      'weights without channels',
      oneOperator(
        { code: CODE.conv, options: STRIDES },
        [1, 2, 2, 1],
        [1, 2, 2, 1],
        [{ shape: [1, 1, 1, 0], data: new Float32Array() }],
      ),
      TfliteError,
      'its weights have no channels',
    ],
    [
      'maps that are cut into parts of blocks',
      oneOperator(
        { code: CODE.spaceToBatch },
        [1, 5, 4, 1],
        [4, 2, 2, 1],
        [
          { shape: [2], type: TFLITE.INT32, data: Int32Array.of(2, 2) },
          { shape: [2, 2], type: TFLITE.INT32, data: new Int32Array(4) },
        ],
      ),
      TfliteError,
      'it cuts maps into parts of blocks',
    ],
    [
      'zero points that their type does not hold',
      linearFile({
        shape: [2, 3],
        type: TFLITE.INT8,
        data: new Int8Array(6),
        quantization: quantized(1, 1000),
      }),
      TfliteError,
      'has a zero point that its type does not hold',
    ],
    [
      'scales that are not above 0',
      linearFile({
        shape: [2, 3],
        type: TFLITE.INT8,
        data: new Int8Array(6),
        quantization: quantized(0, 0),
      }),
      TfliteError,
      'has a scale that is not above 0',
    ],
    [
      'what unfolds into far more than there is',
      linearFile({
        name: 'w',
        shape: [2, 2 ** 30],
        data: Float32Array.of(1),
        sparsity: { order: [0, 1], levels: [2, { segments: [0, 1, 1], indices: [0] }] },
      }),
      TfliteError,
      'holds far more values than it has bytes',
    ],
  ])('refuses %s', (_, file, kind, message) => {
    const read = () => tfliteToOnnx(file, 'a.tflite');
    expect(read).toThrow(kind);
    expect(read).toThrow(message);
  });

  it('refuses every file that is cut, and reads or refuses those with bytes changed', () => {
    const file = linearFile({ shape: [2, 3], data: Float32Array.of(1, 2, 3, -4, 5, -6) });
    const outcome = (bytes: Uint8Array): string => {
      try {
        tfliteToOnnx(bytes);
        return 'read';
      } catch (error) {
        if (error instanceof TfliteError || error instanceof UnsupportedError) return 'refused';
        throw error;
      }
    };
    const cut = Array.from({ length: file.length - 64 }, (_, length) =>
      outcome(file.subarray(0, length)),
    );
    expect(new Set(cut)).toEqual(new Set(['refused']));
    const random = new Random(1);
    const counts = { read: 0, refused: 0 };
    for (let i = 0; i < 2000; i++) {
      const changed = file.slice();
      changed[random.int(8, file.length - 1)] = random.int(0, 255);
      counts[outcome(changed) as keyof typeof counts]++;
    }
    expect(counts.read).toBeGreaterThan(100);
    expect(counts.refused).toBeGreaterThan(100);
  });

  it('refuses lists that many tables share, before they take memory', () => {
    const file = tfliteFile({
      tensors: [{ shape: [1] }],
      operators: Array(2000).fill({
        code: CODE.relu,
        inputs: Array<number>(4000).fill(0),
        outputs: [0],
      }),
      inputs: [0],
      outputs: [0],
    });
    expect(() => tfliteToOnnx(file)).toThrow('lists more than');
  });
});
