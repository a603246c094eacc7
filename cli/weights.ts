/** Where the weights of a model come from on the command line. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import envPaths from 'env-paths';
import { packageFile } from '../node/package_file.ts';
import {
  fromInt8,
  fromTimm,
  type Graph,
  type ModelDef,
  openSafetensors,
  syntheticWeights,
  WeightError,
  type WeightSource,
  weightsOf,
} from '../src/index.ts';
import { findCached } from './hub/cache.ts';
import { hubWeightsOf } from './hub/models.ts';
import { obtainHubFile } from './hub/obtain.ts';
import { isHubReference, parseHubReference } from './hub/reference.ts';
import { hubSettings } from './hub/settings.ts';
import type { WeightsOptions } from './options.ts';

/** The folders that are searched for `MODEL.safetensors`, best first. */
export function weightFolders(): readonly string[] {
  const own = process.env.TILEWISE_WEIGHTS_DIR;
  return [...(own ? [own] : []), envPaths('tilewise', { suffix: '' }).cache];
}

/**
 * Reads what `--weights` names, or what is found; downloads what lies on the hub. Names may be torchvision's
 * or timm's. Throws WeightError with the places that were searched.
 */
export async function loadWeights(
  { name: model, weights: own }: Pick<ModelDef, 'name' | 'weights'>,
  graph: Graph,
  { weights: wanted, endpoint }: WeightsOptions,
): Promise<WeightSource> {
  if (endpoint !== undefined && !(wanted !== undefined && isHubReference(wanted)))
    throw new WeightError('--endpoint names a hub: give --weights hf:owner/name, too');
  if (own) {
    if (wanted === undefined || wanted === 'synthetic') return own;
    throw new WeightError(`"${model}" comes with its weights; leave --weights out`);
  }
  if (wanted === 'synthetic') return syntheticWeights(weightsOf(graph).map(({ name }) => name));
  if (wanted !== undefined && isHubReference(wanted)) {
    const path = await obtainHubFile(parseHubReference(wanted), hubSettings(endpoint));
    return openWeights(path, wanted);
  }
  const path = wanted ?? findWeights(model);
  if (path === undefined) throw noWeights(model);
  return openWeights(path, basename(path));
}

/**
 * A file in this repository, then `MODEL.safetensors` or `MODEL-*.safetensors` in the folders, then what
 * `download` has put into the hub's cache.
 */
export function findWeights(model: string): string | undefined {
  const bundled = bundledWeights(model);
  if (bundled) return bundled;
  for (const folder of weightFolders()) {
    const names = existsSync(folder) ? readdirSync(folder).sort() : [];
    const found = names.find(
      (name) =>
        name === `${model}.safetensors` ||
        (name.startsWith(`${model}-`) && name.endsWith('.safetensors')),
    );
    if (found) return join(folder, found);
  }
  const reference = hubWeightsOf(model);
  return reference && findCached(hubSettings().cache, reference);
}

/** Weights that come with Tilewise. */
export function bundledWeights(model: string): string | undefined {
  if (model !== 'lenet') return undefined;
  const name = 'lenet-mnist.safetensors';
  const own = packageFile('weights', name);
  // The package has those that its build made smaller.
  return existsSync(own) ? own : packageFile('dist', name);
}

function noWeights(model: string): WeightError {
  const remedy = hubWeightsOf(model)
    ? `get them by "tilewise download ${model}", or give --weights FILE`
    : "give --weights FILE, such as torchvision's, saved as docs/command.md shows";
  return new WeightError(
    `no weights for "${model}" in ${weightFolders().join(' or ')}; ${remedy}, or --weights synthetic to run without real ones`,
  );
}

function openWeights(path: string, name: string): WeightSource {
  return fromTimm(fromInt8(openSafetensors(readWeightFile(path), name)));
}

/** Throws WeightError for a file that cannot be read. */
export function readWeightFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WeightError(`weights file "${path}" cannot be read: ${reason}`, { cause });
  }
}
