/** TFLite's networks as ONNX's. */
import { encoded } from '../onnx/encode.ts';
import { checkBytes } from '../runtime/arguments.ts';
import { clipped, quoted } from '../runtime/weights/messages.ts';
import { Call, holdsAlike, type Row } from './call.ts';
import { demandSound, saying } from './errors.ts';
import { metadataOf } from './metadata.ts';
import { decodeTflite, type Operator } from './model.ts';
import { rows } from './operators/index.ts';
import { activated } from './operators/pointwise.ts';
import { Translation } from './translation.ts';

/** The first in which integers of 16 bits can be dequantised, and the version of the format that came with it. */
const OPSET = 21n;
const IR_VERSION = 10n;

/**
 * A .tflite file as an ONNX file of the same network, to be given to `loadOnnx`, `onnxModel` and the rest. Names of
 * tensors stay, and so does the order of axes: images are [N, H, W, C]. What is quantised is computed as the file says,
 * as ONNX's own quantised networks are, within a step of TFLite's integers; weights that are quantised alone, or stored
 * as float16 or sparse, are exact. Only the first graph of a file is read.
 *
 * An operator that is unknown stays in the file, of domain `tflite`, with its `custom_options`: importers of your own
 * may read it, by the name `tflite.NAME`, or outputs be chosen that come before it.
 *
 * @param bytes - The file.
 * @param name - What messages call it.
 * @returns The ONNX file.
 * @throws TfliteError for a file that is broken.
 * @throws UnsupportedError for options of operators that ONNX has no word for.
 *
 * @example
 * const readSelfies = (file: Uint8Array) => loadOnnx(tfliteToOnnx(file, 'selfie_segmentation.tflite'));
 */
export function tfliteToOnnx(bytes: Uint8Array, name = 'model.tflite'): Uint8Array<ArrayBuffer> {
  checkBytes('tfliteToOnnx', bytes);
  return saying(`TFLite file "${name}"`, () => {
    const model = decodeTflite(bytes);
    const translation = new Translation(model, bytes.length);
    for (const operator of model.operators) {
      // What has another form of a constant is read as that.
      if (operator.outputs.every((index) => translation.constantOf(index))) continue;
      translation.begin(operator);
      const row = rows.get(operator.name);
      if (row) translate(operator, row, translation);
      else translation.foreign(operator);
    }
    return encoded('ModelProto', {
      irVersion: IR_VERSION,
      producerName: 'tilewise',
      opsetImport: [
        { domain: '', version: OPSET },
        { domain: 'tflite', version: 1n },
      ],
      graph: translation.finish(),
      metadataProps: [...metadataOf(model, bytes)].map(([key, value]) => ({ key, value })),
    });
  });
}

function translate(operator: Operator, row: Row, translation: Translation): void {
  const { name, outputs, options } = operator;
  const [first = -1] = outputs;
  const label = `${clipped(name)} ${quoted(translation.nameOf(first))}`;
  saying(label, () => {
    const activation =
      (row.activation !== undefined && options?.number(row.activation, 'int8')) || 0;
    // Of outputs, readers want to see where integers are made.
    const isOutput = outputs.some((index) => translation.isOutput(index));
    const mayMove = row.moves === true && activation === 0 && !isOutput;
    const held = (mayMove && holdsAlike(operator, translation)) || row.held === true;
    const call = new Call(operator, translation, held);
    const made = [row.translate(call)].flat();
    demandSound(made.length >= outputs.length, `is damaged: it has ${outputs.length} outputs`);
    for (const [i, index] of outputs.entries()) {
      translation.give(index, activated(call, made[i] ?? '', activation), held);
    }
  });
}
