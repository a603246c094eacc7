import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { buildModel, findModel, type Graph } from '../../src/index.ts';
import { loadOnnx } from '../../src/onnx/index.ts';
import { isFile } from '../results/peer_models.ts';

/** A built-in model, or that of an .onnx file. */
export function graphOf(model: string, batch: number): Graph {
  if (!isFile(model)) return buildModel(findModel(model), { batch });
  return loadOnnx(new Uint8Array(readFileSync(model)), { name: basename(model), batch }).graph;
}
