/**
 * What stands in a .tflite file beside the network: how pictures are prepared, and names of classes in a ZIP archive
 * that follows its tables. (https://www.tensorflow.org/lite/models/convert/metadata)
 */
import { unzipSync } from 'fflate';
import { channelsAxis } from '../models/own_model.ts';
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
  const subgraph = orNothing(() => {
    const content = model.metadata.get(METADATA);
    return content && rootOf(content).tables(MODEL.subgraphs)[0];
  });
  const given = orNothing(() => subgraph && normalizationIn(subgraph));
  const labels = orNothing(() => subgraph && labelsOf(subgraph, file));
  const names = labels === undefined ? namesIn(file) : undefined;
  const entries: readonly (readonly [string, string | undefined])[] = [
    ['names', labels ?? names],
    ['normalization', normalizationOf(model, given)],
    // Of a YOLO, Ultralytics writes boxes so that integers have room for them.
    ['box_unit', names && 'input'],
  ];
  return new Map(entries.flatMap(([key, value]) => (value ? [[key, value]] : [])));
}

interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Of values of 0 .. 255. */
function normalizationIn(subgraph: Table): Normalization | undefined {
  const [input] = subgraph.tables(SUBGRAPH.inputs);
  const units = input?.tables(TENSOR.units) ?? [];
  const unit = units.find((one) => one.number(UNIT.type, 'uint8') === NORMALIZES);
  const options = unit?.table(UNIT.options);
  const mean = options?.numbers(NORMALIZATION.mean, 'float32') ?? [];
  const std = options?.numbers(NORMALIZATION.std, 'float32') ?? [];
  const isSound = mean.length > 0 && std.length > 0 && std.every((value) => value > 0);
  return isSound ? { mean, std } : undefined;
}

/** Of values of 0 .. 1, as JSON, where the input is a picture; undefined of other networks. */
function normalizationOf(
  { tensors, inputs }: Model,
  given: Normalization | undefined,
): string | undefined {
  const { signature = [], type = -1, quantization } = tensors[inputs[0] ?? -1] ?? {};
  const channels = signature[channelsAxis(signature)] ?? 0;
  const isPicture = inputs.length === 1 && signature.length === 4;
  if (!isPicture || (channels !== 1 && channels !== 3)) return undefined;
  const { scales: [scale = 1] = [], zeroPoints: [zero = 0] = [] } = quantization ?? {};
  const isWide = tensorType(type)?.onnx === DataType.INT16;
  if (isWide) return jsonOf(channels, { mean: [-zero * scale * 255], std: [scale * 255] });
  // Integers of 8 bits are the values of pixels, for which the file has scales.
  const shift = tensorType(type)?.onnx === DataType.INT8 ? 128 : 0;
  const usual = isFloat({ type }) ? { mean: [0], std: [255] } : { mean: [shift], std: [1] };
  return jsonOf(channels, (isFloat({ type }) && given) || usual);
}

/** Of values of 0 .. 255, for those of 0 .. 1. */
function jsonOf(channels: number, { mean, std }: Normalization): string {
  const forEach = (values: readonly number[]) =>
    Array.from({ length: channels }, (_, c) => (values[c] ?? values[0] ?? 0) / 255);
  return JSON.stringify({ mean: forEach(mean), std: forEach(std) });
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
  const text = textIn(file, (name) => /^(temp_meta|metadata)\.(txt|json)$/.test(name)) ?? '';
  const [found, bracket] = /["']names["']:\s*([{[])/.exec(text) ?? [];
  if (found === undefined) return undefined;
  const start = text.indexOf(found) + found.length - 1;
  const end = text.indexOf(bracket === '{' ? '}' : ']', start);
  return end < 0 ? undefined : text.slice(start, end + 1);
}

/** The first such file in the archive, if it is small. */
function textIn(file: Uint8Array, isWanted: (name: string) => boolean): string | undefined {
  let isFound = false;
  const files = orNothing(() =>
    unzipSync(file, {
      filter: ({ name, originalSize }) => {
        if (isFound || !isWanted(name)) return false;
        isFound = true;
        return originalSize <= MOST_LABEL_BYTES;
      },
    }),
  );
  const [content] = Object.values(files ?? {});
  return content && new TextDecoder().decode(content);
}

/** What is damaged beside a network is no fault of that. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
