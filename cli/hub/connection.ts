/** HTTP to the hub: proxies, timeouts, and the token for nobody else. */
import { MissingPackageError } from '../../node/missing_package_error.ts';
import { WeightError } from '../../src/index.ts';
import { formatDuration, note } from '../../terminal/output.ts';
import { patiently, wholeAnswer } from './answers.ts';
import { MOST_SILENCE_MS } from './bounds.ts';
import type { HubSettings } from './settings.ts';

export interface HubConnection {
  readonly hub: typeof import('@huggingface/hub');
  /** What every request to the hub needs, as its client takes it. */
  readonly access: {
    readonly hubUrl: string;
    readonly fetch: typeof fetch;
    readonly accessToken?: string;
  };
  /** Lets the process end. */
  close(): Promise<void>;
}

/**
 * Opens nothing yet. A busy hub is asked again. `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are followed, in either case
 * of letters. Throws MissingPackageError where the packages are not installed, WeightError for a proxy that is no URL.
 */
export async function connectHub({ endpoint, token }: HubSettings): Promise<HubConnection> {
  const [hub, http] = await loadPackages();
  const dispatcher = openProxies(http);
  const { origin } = new URL(endpoint);
  const send = async (resource: string | URL, init: RequestInit = {}) => {
    const url = new URL(resource);
    const headers = new Headers(init.headers);
    // Large files lie with a content delivery network, which has no business with the token.
    if (url.origin !== origin) headers.delete('authorization');
    const { method = 'GET', body } = init;
    const text = typeof body === 'string' ? { body } : {};
    const response = await patiently(
      // The same class, declared in two places.
      async () =>
        (await http.fetch(url, {
          method,
          headers: [...headers],
          ...text,
          dispatcher,
        })) as unknown as Response,
      (status, ms) => note(`the hub is busy (${status}); trying again in ${formatDuration(ms)}`),
    );
    // Files are taken as they come; of a refusal, its reason is.
    return response.ok ? response : wholeAnswer(response);
  };
  return {
    hub,
    access: {
      hubUrl: endpoint,
      fetch: send as typeof fetch,
      ...(token && { accessToken: token }),
    },
    close: () => dispatcher.destroy(),
  };
}

type Http = typeof import('undici');

/** Loaded where they are needed: other commands start without them, and pages do not install them. */
async function loadPackages(): Promise<readonly [HubConnection['hub'], Http]> {
  try {
    return await Promise.all([import('@huggingface/hub'), import('undici')]);
  } catch (cause) {
    throw new MissingPackageError(
      'downloads from the hub need the packages "@huggingface/hub" and "undici" (npm install @huggingface/hub undici)',
      ['@huggingface/hub', 'undici'],
      { cause },
    );
  }
}

function openProxies({ EnvHttpProxyAgent }: Http): InstanceType<Http['EnvHttpProxyAgent']> {
  try {
    return new EnvHttpProxyAgent({ headersTimeout: MOST_SILENCE_MS, bodyTimeout: MOST_SILENCE_MS });
  } catch (cause) {
    throw new WeightError(
      'HTTP_PROXY or HTTPS_PROXY is no URL; expected the like of http://proxy.example:3128',
      { cause },
    );
  }
}
