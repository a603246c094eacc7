/** The model as files, in the formats that the libraries read. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  buildModel,
  findModel,
  type Graph,
  openSafetensors,
  syntheticInput,
  syntheticWeights,
  type WeightSource,
  weightsOf,
} from '../../src/index.ts';
import { exportOnnx, loadOnnx } from '../../src/onnx/index.ts';
import { tfliteToOnnx } from '../../src/tflite/index.ts';
import { isFile, isTflite } from '../results/peer_models.ts';
import type { Workload } from './contender.ts';

export interface WorkloadOptions {
  /** A name, or the path of an .onnx or .tflite file. */
  readonly model: string;
  /** Images a run. */
  readonly batch: number;
  readonly precision: Workload['precision'];
  /** A file; synthetic by default. */
  readonly weights: string | undefined;
}

/** Writes a model with its weights, and its input, into a folder, and says what its graph is. */
export async function writeWorkload(folder: string, options: WorkloadOptions): Promise<Graph> {
  const { model, precision } = options;
  const write = (name: string, data: string | Uint8Array): void =>
    writeFileSync(join(folder, name), data);
  const graph = isFile(model) ? await copyFile(write, options) : writeNamed(write, options);
  const [input, ...others] = graph.inputs;
  if (!input || others.length > 0)
    throw new Error(`${model} has ${graph.inputs.length} inputs; only one can be fed`);
  const { shape } = input.desc;
  write('workload.json', JSON.stringify({ model: basename(model), shape, precision }));
  write('pixels.f32', new Uint8Array(syntheticInput(shape).buffer));
  return graph;
}

type Write = (name: string, data: string | Uint8Array) => void;

/** A file as it is. */
async function copyFile(write: Write, { model, batch, weights }: WorkloadOptions): Promise<Graph> {
  if (batch !== 1 || weights !== undefined)
    throw new Error(`${model} has its own batch and weights: leave --batch and --weights out`);
  const file = readFileSync(model);
  if (isTflite(model)) write('model.tflite', file);
  const onnx = isTflite(model) ? tfliteToOnnx(file, model) : file;
  write('model.onnx', onnx);
  const { graph } = await loadOnnx(onnx, { name: model });
  return graph;
}

/** A model that Tilewise names, as both formats. */
function writeNamed(write: Write, options: WorkloadOptions): Graph {
  const { model, batch } = options;
  const graph = buildModel(findModel(model), { batch });
  const weights = options.weights
    ? openSafetensors(readFileSync(options.weights), options.weights)
    : syntheticWeights(weightsOf(graph).map(({ name }) => name));
  write('model.safetensors', encodeSafetensors(graph, weights));
  write('model.onnx', exportOnnx(graph, weights));
  return graph;
}

/** F32, whatever the source holds, so that all read the same numbers. */
function encodeSafetensors(graph: Graph, weights: WeightSource): Uint8Array {
  const header: Record<string, object> = {};
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const { name, desc } of weightsOf(graph)) {
    const data = weights.read(name, desc.shape);
    const begin = end;
    end += data.byteLength;
    header[name] = { dtype: 'F32', shape: desc.shape, data_offsets: [begin, end] };
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}
