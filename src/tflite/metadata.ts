/**
 * What stands in a .tflite file beside the network: how pictures are prepared, and names of classes in a ZIP archive
 * that follows its tables. (https://www.tensorflow.org/lite/models/convert/metadata)
 */
import { unzipSync } from 'fflate';
import { DataType } from '../onnx/schema/enums.ts';
import { rootOf, type Table } from './flatbuffer.ts';
import type { Model } from './model.ts';
import { isFloat, tensorType } from './tensor_type.ts';

/** Fields of tables, by their indices in the schema of metadata. */
const MODEL = { subgraphs: 3 };
const SUBGRAPH = { inputs: 2, outputs: 3 };
const TENSOR = { units: 4, files: 6 };
const UNIT = { type: 0, options: 1 };
const NORMALIZATION = { mean: 0, std: 1 };
const FILE = { name: 0, type: 2 };

/** The type of a unit that normalises. */
const NORMALIZES = 1;
/** The type of a file with a line for each index of an axis. */
const LABELS = 2;
const METADATA = 'TFLITE_METADATA';
/** The names of 1000 classes take 20,000. */
const MOST_LABEL_BYTES = 2 ** 18;

/** As ONNX's metadata says it, by key. */
export function metadataOf(model: Model, file: Uint8Array): ReadonlyMap<string, string> {
  const content = model.metadata.get(METADATA);
  const [subgraph] = content && content.length > 8 ? rootOf(content).tables(MODEL.subgraphs) : [];
  const normalization = normalizationOf(model, subgraph);
  const names = (subgraph && labelsOf(subgraph, file)) ?? namesIn(file);
  return new Map([
    ...(names ? ([['names', names]] as const) : []),
    ...(normalization ? ([['normalization', JSON.stringify(normalization)]] as const) : []),
    // Of a YOLO, Ultralytics writes boxes so that integers have room for them.
    ['box_unit', 'input'],
  ]);
}

/** Of values of 0 .. 1, where the input is a picture; undefined of other networks. */
function normalizationOf({ tensors, inputs }: Model, subgraph: Table | undefined) {
  const { signature = [], type = -1 } = tensors[inputs[0] ?? -1] ?? {};
  const channels = signature[3] ?? 0;
  if (inputs.length !== 1 || (channels !== 1 && channels !== 3)) return undefined;
  const [input] = subgraph?.tables(SUBGRAPH.inputs) ?? [];
  const unit = input
    ?.tables(TENSOR.units)
    .find((one) => one.number(UNIT.type, 'uint8') === NORMALIZES);
  const options = unit?.table(UNIT.options);
  // Integers are the values of pixels, for which the file has scales.
  const shift = tensorType(type)?.onnx === DataType.INT8 ? 128 : 0;
  const [mean, std] = isFloat({ type })
    ? [
        options?.numbers(NORMALIZATION.mean, 'float32'),
        options?.numbers(NORMALIZATION.std, 'float32'),
      ]
    : [[shift], [1]];
  const forEach = (values: readonly number[] | undefined, usual: number) =>
    Array.from({ length: channels }, (_, c) => (values?.[c] ?? values?.[0] ?? usual) / 255);
  return { mean: forEach(mean, 0), std: forEach(std, 255) };
}

/** Of the first output, as JSON. */
function labelsOf(subgraph: Table, file: Uint8Array): string | undefined {
  const [output] = subgraph.tables(SUBGRAPH.outputs);
  const listed = output
    ?.tables(TENSOR.files)
    .find((one) => one.number(FILE.type, 'int8') === LABELS);
  const name = listed?.string(FILE.name);
  const text = name && textIn(file, (one) => one === name);
  return text ? JSON.stringify(text.trimEnd().split(/\r?\n/)) : undefined;
}

/** As Ultralytics writes them, among other things in a dictionary of Python's. */
function namesIn(file: Uint8Array): string | undefined {
  const text = textIn(file, (name) => /^(temp_meta|metadata)\.(txt|json)$/.test(name));
  return /["']names["']:\s*(\{[^}]*\}|\[[^\]]*\])/.exec(text ?? '')?.[1];
}

/** A small file in the archive; undefined where there is none: the network is as good without. */
function textIn(file: Uint8Array, isWanted: (name: string) => boolean): string | undefined {
  try {
    const files = unzipSync(file, {
      filter: ({ name, originalSize }) => isWanted(name) && originalSize <= MOST_LABEL_BYTES,
    });
    const [content] = Object.values(files);
    return content && new TextDecoder().decode(content);
  } catch {
    return undefined;
  }
}
