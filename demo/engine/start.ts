import workerUrl from '../worker/main.ts?worker&url';
import { Engine } from './engine.ts';

/** The part of the browser's interface that is used here; TypeScript's DOM library lacks it. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { readonly createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

/** Starts the worker. Its address is the only one that the page's Trusted Types let through as a script. */
export function startEngine(): Engine {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy('tilewise', { createScriptURL: (url) => url });
  const url = policy ? policy.createScriptURL(workerUrl) : workerUrl;
  return new Engine(new Worker(url, { type: 'module', name: 'tilewise' }));
}
