/** What tuning found, kept between starts. A store may fail: then the winners are lost, but never a session. */

import type { Device } from '../runtime/gpu/device.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { parseTuning, type Tuning, tuningText } from '../runtime/plan/tuning.ts';
import { VERSION } from '../version.ts';

/**
 * Keeps texts between starts, by key: `indexedDbTuningStore`, `fileTuningStore`, or your own.
 *
 * @example
 * const kept = new Map<string, string>();
 * const store: TuningStore = {
 *   get: async (key) => kept.get(key),
 *   put: async (key, text) => void kept.set(key, text),
 * };
 */
export interface TuningStore {
  /**
   * The text that was put under this key last, if there is one.
   *
   * @param key - Of `tuningKey`.
   */
  get(key: string): Promise<string | undefined>;
  /**
   * Keeps a text in place of the one before.
   *
   * @param key - Of `tuningKey`.
   * @param text - Of `tuningText`.
   */
  put(key: string, text: string): Promise<void>;
}

/** Hears, in a sentence, of what fails without harm. */
export type WarningListener = (message: string) => void;

/**
 * The key under which a store has the winners of a device: they hold for one version of this library, on one adapter,
 * with one driver. The text says beside each winner which shape and precision it is for.
 *
 * @param device - Open.
 * @throws TilewiseError for what is no device.
 *
 * @example
 * console.log(tuningKey(device)); // version, adapter, driver
 */
export function tuningKey(device: Device): string {
  checkKinds('tuningKey', { device });
  const { adapter, profile } = device;
  // Which kernels there are to choose from decides who wins.
  const matrices = profile.matrices ? ', with subgroup matrices' : '';
  return `Tilewise ${VERSION} on ${adapter.identity}${matrices}`;
}

/**
 * The winners that a store has for a device, for the option `tuning`: nothing is timed. Never throws for what a store
 * does.
 *
 * @param device - Open.
 * @param store - Where winners are kept.
 * @param onWarning - Hears of a store that fails; nobody by default.
 * @returns Undefined where it has none.
 * @throws TilewiseError for what is no store.
 *
 * @example
 * const tuning = await keptTuning(device, fileTuningStore(), console.warn);
 * using network = await createSession(device, graph, { weights, tuning });
 */
export async function keptTuning(
  device: Device,
  store: TuningStore,
  onWarning: WarningListener = () => {},
): Promise<Tuning | undefined> {
  checkKinds('keptTuning', { device, store, onWarning });
  const key = tuningKey(device);
  try {
    const text = await store.get(key);
    const tuning = text === undefined ? undefined : parseTuning(key, text);
    if (text !== undefined && !tuning) {
      onWarning(`what tuning kept for "${key}" cannot be read; tune again to replace it`);
    }
    return tuning;
  } catch (error) {
    onWarning(
      `what tuning kept for "${key}" cannot be had: ${reasonOf(error)}; untuned kernels run`,
    );
    return undefined;
  }
}

/**
 * Adds winners to those that are kept, which others may have added to meanwhile. Never throws for what a store does.
 *
 * @param device - That on which they won.
 * @param store - Where winners are kept.
 * @param found - What `tune` gave.
 * @param onWarning - Hears of a store that fails; nobody by default.
 * @throws TilewiseError for what is no store.
 *
 * @example
 * const found = new Map([['a shape, of shapeKey', { kernel: 'conv2d_direct', config: {} }]]); // or what tune gave
 * await keepTuning(device, fileTuningStore(), found, console.warn);
 */
export async function keepTuning(
  device: Device,
  store: TuningStore,
  found: Tuning,
  onWarning: WarningListener = () => {},
): Promise<void> {
  checkKinds('keepTuning', { device, store, found, onWarning });
  const key = tuningKey(device);
  const kept = await keptTuning(device, store);
  try {
    await store.put(key, tuningText(key, new Map([...(kept ?? []), ...found])));
  } catch (error) {
    onWarning(
      `what tuning found cannot be kept: ${reasonOf(error)}; it holds for now, and the next start times it again`,
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
