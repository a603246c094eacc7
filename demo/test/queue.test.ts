import { describe, expect, it } from 'vitest';
import { Queue } from '../worker/queue.ts';

describe('Queue', () => {
  it('begins work in turn, the next one after a failure, too', async () => {
    const queue = new Queue();
    const { signal } = new AbortController();
    let fail = (): void => {};
    const first = new Promise<string>((_, reject) => {
      fail = () => reject(new Error('failed'));
    });
    const begun: string[] = [];
    const work = (name: string, result: Promise<string>) =>
      queue.run(signal, () => {
        begun.push(name);
        return result;
      });
    const results = [work('first', first), work('second', Promise.resolve('done'))];
    await Promise.resolve();
    expect(begun).toEqual(['first']);
    fail();
    await expect(results[0]).rejects.toThrow('failed');
    expect(await results[1]).toBe('done');
    expect(begun).toEqual(['first', 'second']);
  });

  it('never begins what is cancelled while it waits', async () => {
    const queue = new Queue();
    const begun: number[] = [];
    const controllers = Array.from({ length: 8 }, () => new AbortController());
    const results = controllers.map(({ signal }, i) =>
      queue.run(signal, async () => {
        begun.push(i);
      }),
    );
    for (const controller of controllers.slice(0, -1)) controller.abort(new Error('cancelled'));
    const outcomes = await Promise.allSettled(results);
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array(7).fill('rejected'),
      'fulfilled',
    ]);
    expect(begun).toEqual([7]);
  });
});
