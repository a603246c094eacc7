/** Samples of work that is shorter than the clock can tell. */

/** Some clocks tick only every 100 microseconds. */
const LEAST_MS = 3;
/** What the number of repeats is chosen for, so that most samples are long enough. */
const USUAL_MS = 4;
const MOST_REPEATS = 1000;

/**
 * Samples of one piece of work that are long enough for the clock, whatever the first of them took: a moment's other
 * work of the machine makes a short one look long.
 */
export class LongSample {
  /** Milliseconds of one time, the mean of so many. */
  readonly #time: (repeats: number) => Promise<number>;
  #repeats = 1;

  constructor(time: (repeats: number) => Promise<number>) {
    this.#time = time;
  }

  /** Milliseconds of one time, by as many repeats as that needs. */
  async take(): Promise<number> {
    for (;;) {
      const ms = await this.#time(this.#repeats);
      if (ms * this.#repeats >= LEAST_MS || this.#repeats === MOST_REPEATS) return ms;
      // Clocks of GPUs may run backwards, too.
      this.#repeats = ms > 0 ? Math.min(MOST_REPEATS, Math.ceil(USUAL_MS / ms)) : MOST_REPEATS;
    }
  }
}
