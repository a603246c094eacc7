/** What the hub's refusals mean to a user. */
import { TilewiseError, WeightError } from '../../src/index.ts';
import type { HubConnection } from './connection.ts';
import { formatHubReference, type HubReference } from './reference.ts';
import type { HubSettings } from './settings.ts';

/** An error to be shown, of whatever a request has thrown. */
export function explainHubError(
  { hub }: HubConnection,
  reference: HubReference,
  settings: HubSettings,
  error: unknown,
): unknown {
  if (error instanceof TilewiseError) return error;
  const who = `hub weights "${formatHubReference(reference)}"`;
  if (error instanceof hub.HubApiError) {
    const said = `${settings.endpoint} answered ${error.statusCode}`;
    const what = meaning(error.statusCode, reference, settings);
    return new WeightError(`${who}: ${said}: ${what ?? error.message}`, { cause: error });
  }
  const reason = error instanceof Error ? networkReason(error) : String(error);
  return new WeightError(
    `${who}: ${settings.endpoint} cannot be reached: ${reason}; check the network, --endpoint and the proxy (HTTPS_PROXY), or give --weights FILE`,
    { cause: error },
  );
}

function meaning(
  status: number,
  { repo, revision }: HubReference,
  { endpoint, token }: HubSettings,
): string | undefined {
  switch (status) {
    case 401:
      // The hub does not tell strangers which of these it is.
      return token
        ? 'the token in HF_TOKEN or the token file is not valid'
        : `there is no model "${repo}", or it is private or gated: check the name, or set HF_TOKEN to the token of an account that may read it`;
    case 403:
      return `the token's account may not read "${repo}"; if it is gated, accept its conditions at ${endpoint}/${repo}`;
    case 404:
      return `there is no model "${repo}" with a revision "${revision}"`;
    case 429:
      return 'too many requests; wait some minutes, or set HF_TOKEN';
    case 503:
      return 'it is busy; try again in some minutes';
    default:
      return undefined;
  }
}

/** fetch hides what happened in `cause`. */
function networkReason(error: Error): string {
  const { cause } = error;
  if (cause instanceof AggregateError) return cause.errors.map(String).join(', ');
  return cause instanceof Error ? cause.message : error.message;
}
