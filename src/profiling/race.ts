/** Which of several ways to do the same thing is the fastest, on a machine where times are noisy. */

/** Something that can be timed again and again. */
export interface Contestant {
  /** Milliseconds of one time. */
  sample(): Promise<number>;
}

export interface RaceResult {
  /** The index of the winner. */
  readonly winner: number;
  /** The least milliseconds of each contestant. */
  readonly times: readonly number[];
}

/** Smaller differences, as a share, are noise: the first contestant is beaten only by more than that. */
const NOISE = 0.03;

/** Slower than the fastest by this factor: not worth another sample. */
const HOPELESS = 1.3;

const MOST_ROUNDS = 8;

/** Samples of both before the first contestant is beaten; one lucky sample is not enough. */
const LEAST_ROUNDS_TO_WIN = 3;

/**
 * Samples the contestants in turn, so that other work of the machine affects all of them, until their order is clear.
 * The first is the champion: another wins only where it was faster by more than the noise, by the least of its samples
 * and in most of the rounds. Processors run faster for a moment, too, which one sample of many catches.
 * Throws the signal's reason, or what a contestant throws.
 */
export async function race(
  contestants: readonly Contestant[],
  signal?: AbortSignal,
): Promise<RaceResult> {
  const samples = contestants.map((): number[] => []);
  const least = (i: number): number => Math.min(...(samples[i] ?? []));
  let running = contestants.map((_, i) => i);
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    for (const i of running) {
      signal?.throwIfAborted();
      samples[i]?.push((await contestants[i]?.sample()) ?? Number.POSITIVE_INFINITY);
    }
    const best = Math.min(...running.map(least));
    // The champion stays: one unlucky sample must not cost it its place.
    running = running.filter((i) => i === 0 || least(i) <= HOPELESS * best);
    const champion = winnerOf(samples) === 0;
    if (champion && running.length === 1) break;
    const enough = champion ? 2 : LEAST_ROUNDS_TO_WIN;
    if (round >= enough && running.every((i) => agree(samples[i] ?? []))) break;
  }
  return { winner: winnerOf(samples), times: samples.map((_, i) => least(i)) };
}

function winnerOf([champion = [], ...others]: readonly (readonly number[])[]): number {
  const least = others.map((own) => (beats(own, champion) ? Math.min(...own) : Infinity));
  const best = Math.min(...least);
  return best < Infinity ? 1 + least.indexOf(best) : 0;
}

function beats(own: readonly number[], champion: readonly number[]): boolean {
  const faster = (ms: number, than = 0): boolean => ms < (1 - NOISE) * than;
  const rounds = own.filter((ms, round) => faster(ms, champion[round]));
  return faster(Math.min(...own), Math.min(...champion)) && rounds.length > own.length / 2;
}

/** Whether the two least samples differ by no more than noise, so that another would hardly change the least. */
function agree(samples: readonly number[]): boolean {
  const [least = 0, next = Number.POSITIVE_INFINITY] = samples.toSorted((a, b) => a - b);
  return next <= (1 + NOISE) * least;
}
