import { zipSync } from 'fflate';
import { Builder } from 'flatbuffers';
import { describe, expect, it } from 'vitest';
import { offsets, TFLITE, table, tfliteFile } from '../../test/fixtures/tflite_file.ts';
import { onnxModel } from '../onnx/index.ts';
import { tfliteToOnnx } from './to_onnx.ts';

/** A linear layer, by its number in TFLite's schema. */
const LINEAR = 9;
/** A type of elements, by its number there. */
const INT16 = 7;

describe('what a .tflite file says beside the network', () => {
  /** Mean and deviation of the input, and a file of labels of the output. */
  function notes(): Uint8Array {
    const b = new Builder(256);
    const floats = (value: number) => {
      b.startVector(4, 1, 4);
      b.addFloat32(value);
      return b.endVector();
    };
    const [mean, std] = [floats(127.5), floats(127.5)];
    const options = table(b, [
      [0, mean],
      [1, std],
    ]);
    const unit = table(b, [[1, options]], () => b.addFieldInt8(0, 1, 0));
    const input = table(b, [[4, offsets(b, [unit])]]);
    const name = b.createString('labels.txt');
    const file = table(b, [[0, name]], () => b.addFieldInt8(2, 2, 0));
    const output = table(b, [[6, offsets(b, [file])]]);
    const subgraph = table(b, [
      [2, offsets(b, [input])],
      [3, offsets(b, [output])],
    ]);
    b.finish(table(b, [[3, offsets(b, [subgraph])]]), 'M001');
    return Uint8Array.from(b.asUint8Array());
  }

  /** An archive of one file after so many bytes, from whose start it counts, as Python's appends to files. */
  function zipAfter(bytes: number, name: string, text: string): Uint8Array {
    const zip = zipSync({ [name]: new TextEncoder().encode(text) });
    const view = new DataView(zip.buffer);
    const end = zip.length - 22;
    const directory = view.getUint32(end + 16, true);
    view.setUint32(directory + 42, bytes, true);
    view.setUint32(end + 16, bytes + directory, true);
    return zip;
  }

  function classifier(
    type: number,
    metadata: Readonly<Record<string, Uint8Array>> = {},
  ): Uint8Array {
    const quantization = {
      scales: [type === INT16 ? 2 ** -15 : 1 / 255],
      zeroPoints: [type === TFLITE.INT8 ? -128 : 0],
    };
    return tfliteFile({
      tensors: [
        { name: 'x', shape: [1, 2, 1, 3], type, ...(type !== TFLITE.FLOAT32 && { quantization }) },
        { name: 'y', shape: [1, 2] },
        { shape: [2, 6], data: new Float32Array(12) },
      ],
      operators: [{ code: LINEAR, inputs: [0, 2], outputs: [1] }],
      inputs: [0],
      outputs: [1],
      metadata,
    });
  }

  it('prepares pictures, and names classes', () => {
    const file = classifier(TFLITE.FLOAT32, { TFLITE_METADATA: notes() });
    const labels = zipAfter(file.length, 'labels.txt', 'cat\r\ndog\n');
    const model = onnxModel(tfliteToOnnx(Uint8Array.of(...file, ...labels)));
    expect(model).toMatchObject({
      labels: ['cat', 'dog'],
      normalization: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      fixedSize: true,
    });
  });

  it('finds the names that Ultralytics writes, and says what boxes are in', () => {
    const file = classifier(TFLITE.FLOAT32);
    const text = "{'stride': 32, 'names': {0: 'cat', 1: \"dog's\"}, 'imgsz': [2, 1]}";
    const zip = zipAfter(file.length, 'temp_meta.txt', text);
    const model = onnxModel(tfliteToOnnx(Uint8Array.of(...file, ...zip)));
    expect(model).toMatchObject({ labels: ['cat', "dog's"], boxUnit: 'input' });
  });

  it('reads the network where what is said beside it is damaged', () => {
    const file = classifier(TFLITE.FLOAT32, { TFLITE_METADATA: new Uint8Array(40).fill(255) });
    const zip = zipAfter(file.length, 'metadata.txt', '"names":{'.repeat(20_000));
    const model = onnxModel(tfliteToOnnx(Uint8Array.of(...file, ...zip)));
    expect(model).not.toHaveProperty('labels');
    expect(model).not.toHaveProperty('boxUnit');
    expect(model.normalization).toEqual({ mean: [0, 0, 0], std: [1, 1, 1] });
  });

  it.each<[string, number, number, number]>([
    ['0 to 1', TFLITE.FLOAT32, 0, 1],
    ['bytes', TFLITE.UINT8, 0, 255],
    ['signed bytes', TFLITE.INT8, -128, 127],
    ['16 bits, as the file scales them', INT16, 0, 2 ** 15],
  ])('without it, values are %s', (_, type, black, white) => {
    const { normalization } = onnxModel(tfliteToOnnx(classifier(type)));
    const [mean = Number.NaN] = normalization?.mean ?? [];
    const [std = Number.NaN] = normalization?.std ?? [];
    expect((0 - mean) / std).toBeCloseTo(black, 9);
    expect((1 - mean) / std).toBeCloseTo(white, 9);
  });
});
