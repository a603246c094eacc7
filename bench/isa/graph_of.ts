import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { buildModel, findModel, type Graph } from '../../src/index.ts';
import { loadOnnx } from '../../src/onnx/index.ts';
import { tfliteToOnnx } from '../../src/tflite/index.ts';
import { isFile, isTflite } from '../results/peer_models.ts';

/** A built-in model, or that of an .onnx or .tflite file. */
export function graphOf(model: string, batch: number): Graph {
  if (!isFile(model)) return buildModel(findModel(model), { batch });
  const [name, file] = [basename(model), new Uint8Array(readFileSync(model))];
  return loadOnnx(isTflite(model) ? tfliteToOnnx(file, name) : file, { name, batch }).graph;
}
