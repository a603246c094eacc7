import { describe, expect, it } from 'vitest';
import { patiently, wholeAnswer } from './answers.ts';

/** How long a hub is left alone that answers 503 with such a `Retry-After`, at the first time. */
async function waitAfter(retryAfter?: string): Promise<number> {
  const headers = new Headers(retryAfter === undefined ? {} : { 'retry-after': retryAfter });
  let waited = Number.NaN;
  const asked = patiently(
    async () => new Response(null, { status: 503, headers }),
    (_, ms) => {
      waited = ms;
      throw new Error('enough');
    },
  );
  await expect(asked).rejects.toThrow('enough');
  return waited;
}

describe('patiently', () => {
  it('waits for the seconds, or to the date, that a hub says, or else a second', async () => {
    expect(await waitAfter('7')).toBe(7000);
    expect(await waitAfter()).toBe(1000);
    expect(await waitAfter('soon')).toBe(1000);
    expect(await waitAfter(new Date(0).toUTCString())).toBe(0);
    // A date is in whole seconds.
    const date = new Date(Math.ceil(Date.now() / 1000) * 1000 + 50_000).toUTCString();
    const before = Date.parse(date) - Date.now();
    const waited = await waitAfter(date);
    expect(waited).toBeLessThanOrEqual(before);
    expect(waited).toBeGreaterThanOrEqual(Date.parse(date) - Date.now());
  });
});

describe('wholeAnswer', () => {
  it('takes the memory of what came, and no more', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => wholeAnswer(new Response('{"a": 1}'))),
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 23);
    for (const answer of answers) expect(await answer.json()).toEqual({ a: 1 });
  });
});
