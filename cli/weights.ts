/** Where the weights of a model come from on the command line. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';
import {
  type Graph,
  openSafetensors,
  syntheticWeights,
  WeightError,
  type WeightSource,
  weightsOf,
} from '../src/index.ts';

/** The folders that are searched for `MODEL.safetensors`, best first. */
export function weightFolders(): readonly string[] {
  const own = process.env.TILEWISE_WEIGHTS_DIR;
  return [...(own ? [own] : []), envPaths('tilewise', { suffix: '' }).cache];
}

/** Reads what `--weights` names, or what is found. Throws WeightError with the places that were searched. */
export function loadWeights(model: string, graph: Graph, wanted: string | undefined): WeightSource {
  if (wanted === 'synthetic') return syntheticWeights(weightsOf(graph).map(({ name }) => name));
  const path = wanted ?? findWeights(model);
  if (path === undefined) {
    throw new WeightError(
      `no weights for "${model}" in ${weightFolders().join(' or ')}; give --weights FILE, or --weights synthetic to run without real ones`,
    );
  }
  return openSafetensors(readWeightFile(path), basename(path));
}

/** A file in this repository, then `MODEL.safetensors` or `MODEL-*.safetensors` in the folders. */
export function findWeights(model: string): string | undefined {
  if (model === 'lenet') return packageFile('weights', 'lenet-mnist.safetensors');
  for (const folder of weightFolders()) {
    const names = existsSync(folder) ? readdirSync(folder).sort() : [];
    const found = names.find(
      (name) =>
        name === `${model}.safetensors` ||
        (name.startsWith(`${model}-`) && name.endsWith('.safetensors')),
    );
    if (found) return join(folder, found);
  }
  return undefined;
}

function readWeightFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WeightError(`weights file "${path}" cannot be read: ${reason}`, { cause });
  }
}

/** A file of this package, from the sources as from the build, which lies one folder deeper. */
export function packageFile(...segments: readonly string[]): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return join(folder, ...segments);
}
