/** Whether a page can compute here, and what a person can do where it cannot. */

import { type BrowserRow, rowOf, type Surroundings, versionOf } from './browser_support.ts';
import { checkArgument, checkOptions } from './runtime/arguments.ts';

/** There is an adapter: `Device.open(support.gpu, support)`. */
export interface Supported {
  /** That there is. */
  readonly supported: true;
  /** `navigator.gpu`, for `Device.open`. */
  readonly gpu: GPU;
  /** The adapter that was found, for `Device.open`, too. */
  readonly adapter: GPUAdapter;
}

/** A secure context is lacking, WebGPU, or a GPU that it can use. */
export interface Unsupported {
  /** That there is not. */
  readonly supported: false;
  /** What is missing. */
  readonly lacks: 'secure context' | 'WebGPU' | 'adapter';
  /** `Firefox on Linux`; undefined where no browser is recognised. */
  readonly where: string | undefined;
  /** What to do, for the person before the screen. */
  readonly remedy: string;
  /** All of it as one text: where, what is lacking, what to do. */
  readonly reason: string;
}

const WHAT: Readonly<Record<Unsupported['lacks'], string>> = {
  'secure context': 'this page is not secure, so that there is no WebGPU',
  WebGPU: 'there is no WebGPU',
  adapter: 'there is WebGPU, but no GPU that it can use',
};
const OTHER_BROWSERS =
  'Use a browser that has WebGPU: Chrome or Edge, Safari 26 or newer, or Firefox on Windows.';

/**
 * Whether there is WebGPU and a GPU for it, and what to do where there is not. Never rejects. To be asked in a page or
 * a worker; surroundings other than those that it finds are for tests.
 *
 * @param surroundings - What is known of the browser; by default what it says of itself.
 * @throws Nothing: it never rejects.
 *
 * @example
 * const support = await isSupported();
 * if (!support.supported) throw new Error(support.reason);
 * // Safari on macOS: there is no WebGPU. It comes with version 26, and this is 18: update macOS to 26 or newer, ...
 * const opened = await Device.open(support.gpu, support);
 */
export async function isSupported(
  surroundings: Surroundings = surroundingsHere(),
): Promise<Supported | Unsupported> {
  checkOptions('isSupported', surroundings);
  const { gpu } = surroundings;
  if (!gpu) return explainLack('WebGPU', surroundings);
  const adapter = await gpu
    .requestAdapter({ powerPreference: 'high-performance' })
    .catch(() => null);
  return adapter ? { supported: true, gpu, adapter } : explainLack('adapter', surroundings);
}

/**
 * What `isSupported` says of a lack that was found in another way, such as by `navigator.gpu`, or in a worker.
 *
 * @param found - What is missing.
 * @param surroundings - What is known of the browser; by default what it says of itself.
 * @throws TilewiseError for another lack.
 *
 * @example
 * console.log(explainLack('adapter').remedy);
 */
export function explainLack(
  found: 'WebGPU' | 'adapter',
  surroundings: Surroundings = surroundingsHere(),
): Unsupported {
  checkOptions('explainLack', surroundings);
  checkArgument(Object.hasOwn(WHAT, found), 'explainLack: found', 'WebGPU or adapter', found);
  const lacks = surroundings.isSecureContext === false ? 'secure context' : found;
  const row = rowOf(surroundings);
  const where = row?.where;
  const remedy = remedyOf(lacks, row, surroundings);
  const reason = `${where ?? 'this browser'}: ${WHAT[lacks]}. ${remedy}`;
  return { supported: false, lacks, where, remedy, reason };
}

function remedyOf(
  lacks: Unsupported['lacks'],
  row: BrowserRow | undefined,
  surroundings: Surroundings,
): string {
  if (lacks === 'secure context')
    return 'Load the page over HTTPS, or from localhost: browsers offer WebGPU only there.';
  if (lacks === 'WebGPU' && surroundings.inServiceWorker) {
    return 'Firefox and older versions of others have none in service workers: compute in the page, or in a worker of its own.';
  }
  if (!row) return OTHER_BROWSERS;
  if (lacks === 'adapter') return row.noAdapter;
  const version = versionOf(row.browser, surroundings);
  return row.since && version && version < row.since
    ? `It comes with version ${row.since}, and this is ${version}: ${row.update}.`
    : row.missing;
}

function surroundingsHere(): Surroundings {
  const { navigator } = globalThis as {
    readonly navigator?: Surroundings & { readonly userAgent: string };
  };
  return {
    userAgent: navigator?.userAgent ?? '',
    userAgentData: navigator?.userAgentData,
    maxTouchPoints: navigator?.maxTouchPoints,
    isSecureContext: globalThis.isSecureContext,
    inServiceWorker: 'ServiceWorkerGlobalScope' in globalThis,
    gpu: navigator?.gpu,
  };
}
