/** Answers of the hub: asked for again while it is busy, and read within bounds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WeightError } from '../../src/index.ts';
import { formatBytes } from '../../terminal/output.ts';
import { MOST_ANSWER_BYTES, MOST_ANSWER_MS, MOST_TRIES, MOST_WAIT_MS } from './bounds.ts';

/** Too many requests, and no service at the moment: the statuses of servers that say when to come again. */
export const BUSY: readonly number[] = [429, 503];

/**
 * What `send` brings at last. A busy server is asked again when it said that it may be, or after pauses that double,
 * and `onWait` hears of each; what it answers in the end, and where it asks for more patience than there is, is for
 * the caller.
 */
export async function patiently(
  send: () => Promise<Response>,
  onWait: (status: number, ms: number) => void,
): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const response = await send();
    const wait = waitOf(response.headers.get('retry-after')) ?? 1000 * 2 ** (tries - 1);
    const last = tries === MOST_TRIES || wait > MOST_WAIT_MS;
    if (!BUSY.includes(response.status) || last) return response;
    await response.body?.cancel();
    onWait(response.status, wait);
    await sleep(wait);
  }
}

/** Milliseconds, of seconds or of a date. */
function waitOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  if (/^\d+$/.test(retryAfter)) return 1000 * Number(retryAfter);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** The answer with its body in memory. Throws WeightError where that is larger, or takes longer, than any should. */
export async function wholeAnswer(response: Response): Promise<Response> {
  if (!response.body) return response;
  const { status, headers, url } = response;
  const who = `the hub's answer from ${URL.canParse(url) ? new URL(url).origin : 'nowhere'}`;
  const chunks: Uint8Array[] = [];
  const begun = performance.now();
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > MOST_ANSWER_BYTES) {
      throw new WeightError(`${who} is longer than ${formatBytes(MOST_ANSWER_BYTES)}`);
    }
    if (performance.now() - begun > MOST_ANSWER_MS) {
      throw new WeightError(`${who} takes longer than ${MOST_ANSWER_MS / 1000} s`);
    }
    chunks.push(chunk);
  }
  const read = new Response(Buffer.concat(chunks), { status, headers });
  // Of one that is made, it is empty; messages say it.
  Object.defineProperty(read, 'url', { value: url });
  return read;
}
