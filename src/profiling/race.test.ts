import { describe, expect, it } from 'vitest';
import { Random } from '../../test/fixtures/random.ts';
import { type Contestant, race } from './race.ts';

interface FakeKernel extends Contestant {
  readonly samples: () => number;
}

/** A kernel that takes so long, whatever the machine. `noise` gives the factor of each sample. */
function kernel(ms: number, noise: () => number = () => 1): FakeKernel {
  let samples = 0;
  return {
    samples: () => samples,
    sample: async () => {
      samples++;
      return ms * noise();
    },
  };
}

/** Takes the factors in turn, then 1. */
function factors(...values: readonly number[]): () => number {
  const left = [...values];
  return () => left.shift() ?? 1;
}

describe('race', () => {
  it('is won by the fastest', async () => {
    const { winner, times } = await race([kernel(10), kernel(7), kernel(9)]);
    expect(winner).toBe(1);
    expect(times).toEqual([10, 7, 9]);
  });

  it('is never won by a kernel that is slower by construction, whatever the noise', async () => {
    const random = new Random(1);
    // Other processes only ever add time: up to 40 %.
    const noisy = (ms: number) => kernel(ms, () => 1 + 0.4 * random.next());
    let wins = 0;
    for (let i = 0; i < 1000; i++) {
      const { winner } = await race([noisy(10), noisy(13), noisy(15)]);
      if (winner !== 0) wins++;
    }
    expect(wins).toBeLessThan(10);
  });

  it('leaves a champion in place that is slower by no more than the noise', async () => {
    expect((await race([kernel(10), kernel(9.8)])).winner).toBe(0);
    expect((await race([kernel(10), kernel(9.6)])).winner).toBe(1);
  });

  it('is not won in a moment in which the machine was faster', async () => {
    const slowThenFast = kernel(10, factors(1, 1.1, 0.6, 0.6));
    const champion = kernel(10, factors(1, 1.05, 1.1));
    expect((await race([champion, slowThenFast])).winner).toBe(0);
  });

  it('samples what is clearly slower once, and ends when only the champion is left', async () => {
    const [champion, slow] = [kernel(10), kernel(14)];
    await race([champion, slow]);
    expect([champion.samples(), slow.samples()]).toEqual([1, 1]);
  });

  it('takes two rounds where the champion stands and samples agree, three for it to be beaten', async () => {
    const [champion, equal] = [kernel(10), kernel(10)];
    await race([champion, equal]);
    expect([champion.samples(), equal.samples()]).toEqual([2, 2]);
    const [beaten, faster] = [kernel(10), kernel(9)];
    await race([beaten, faster]);
    expect([beaten.samples(), faster.samples()]).toEqual([3, 3]);
  });

  it('does not drop the champion for one unlucky sample', async () => {
    const { winner, times } = await race([kernel(10, factors(3)), kernel(11)]);
    expect(winner).toBe(0);
    expect(times).toEqual([10, 11]);
  });

  it('samples eight times at most, where samples never agree', async () => {
    const wild = () => kernel(10, factors(...Array.from({ length: 8 }, (_, i) => 1.05 ** (7 - i))));
    const [first, second] = [wild(), wild()];
    await race([first, second]);
    expect([first.samples(), second.samples()]).toEqual([8, 8]);
  });

  it('stops between two samples with the reason of its signal', async () => {
    const controller = new AbortController();
    const first = kernel(10, () => {
      controller.abort(new Error('enough'));
      return 1;
    });
    const second = kernel(9);
    await expect(race([first, second], controller.signal)).rejects.toThrow('enough');
    expect(second.samples()).toBe(0);
  });
});
