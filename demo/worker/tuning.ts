/** What was tuned in this browser, kept between visits. */

import { indexedDbTuningStore } from '../../src/browser/index.ts';
import {
  buildModel,
  type Device,
  findModel,
  keptTuning,
  planFor,
  shapeKey,
  type TuneResult,
  type Tuning,
  type TuningStore,
  tune,
} from '../../src/index.ts';
import type { Calls, ModelName, Progress } from '../engine/calls.ts';
import type { CallContext } from '../engine/serve.ts';

const store = indexedDbTuningStore();

/** The winners of earlier visits, for sessions: nothing is timed. */
export function tuningOf(device: Device): Promise<Tuning | undefined> {
  return keptTuning(device, store, warn);
}

/** In how many shapes of a model's layers a kept winner runs. */
export async function tunedShapes(device: Device, model: ModelName): Promise<number> {
  const tuning = await tuningOf(device);
  const { nodes } = planFor(device, buildModel(findModel(model))).graph;
  return new Set(nodes.map(shapeKey).filter((shape) => tuning?.has(shape))).size;
}

/** The fastest kernel for each shape of a model's layers that no visit has tuned, or for all; kept for the next. */
export async function tuneModel(
  device: Device,
  { model, again }: Calls['tune']['argument'],
  { onProgress, signal }: CallContext<Progress>,
): Promise<readonly TuneResult[]> {
  const { results } = await tune(device, buildModel(findModel(model)), {
    store: storeOf(device),
    again,
    signal,
    onWarning: warn,
    onProgress: (done, total, remainingMs) =>
      onProgress({ stage: 'tune', done, total, ...(remainingMs !== undefined && { remainingMs }) }),
  });
  return results;
}

/** Takes no winners among kernels that never ran, since the device was lost. */
function storeOf(device: Device): TuningStore {
  const { gpu } = device;
  return {
    ...store,
    put: async (key, text) => {
      if (!device.lost && device.gpu === gpu) await store.put(key, text);
    },
  };
}

function warn(message: string): void {
  console.warn(message);
}
