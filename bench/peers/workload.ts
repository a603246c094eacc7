/** The model as files, in the formats that the libraries read. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
import { exportOnnx } from '../../src/onnx/index.ts';
import type { Workload } from './contender.ts';

export interface WorkloadOptions {
  readonly model: string;
  /** Images a run. */
  readonly batch: number;
  readonly precision: Workload['precision'];
  /** A file; synthetic by default. */
  readonly weights: string | undefined;
}

/** Writes a model with its weights, and its input, into a folder. */
export function writeWorkload(folder: string, options: WorkloadOptions): void {
  const { model, batch, precision } = options;
  const graph = buildModel(findModel(model), { batch });
  const [input] = graph.inputs;
  if (!input) throw new Error(`${model} has no input`);
  const { shape } = input.desc;
  const weights = options.weights
    ? openSafetensors(readFileSync(options.weights), options.weights)
    : syntheticWeights(weightsOf(graph).map(({ name }) => name));
  const write = (name: string, data: string | Uint8Array): void =>
    writeFileSync(join(folder, name), data);
  write('workload.json', JSON.stringify({ model, shape, precision }));
  write('pixels.f32', new Uint8Array(syntheticInput(shape).buffer));
  write('model.safetensors', encodeSafetensors(graph, weights));
  write('model.onnx', exportOnnx(graph, weights));
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
