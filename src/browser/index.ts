/// <reference path="../globals.d.ts" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * What pages need besides the library: `import { indexedDbTuningStore } from 'tilewise/browser'`.
 *
 * @module tilewise/browser
 */
import { createStore, get, set } from 'idb-keyval';
import type { TuningStore } from '../profiling/tuning_store.ts';
import { checkKinds } from '../runtime/kinds.ts';

/**
 * Keeps what tuning found in IndexedDB, in pages and in workers, between visits. The name is that of the database. Its
 * calls fail where the browser keeps nothing, as in some private windows; sessions then go on without it.
 *
 * @param name - Of the database; `tilewise` by default.
 * @throws TilewiseError for a name of another type.
 *
 * @example
 * export const open = () =>
 *   createTunedSession(device, graph, { weights, store: indexedDbTuningStore('my-page') });
 */
export function indexedDbTuningStore(name = 'tilewise'): TuningStore {
  checkKinds('indexedDbTuningStore', { name });
  const store = createStore(name, 'tuning');
  return {
    async get(key) {
      const text: unknown = await get(key, store);
      return typeof text === 'string' ? text : undefined;
    },
    put: async (key, text) => set(key, text, store),
  };
}
