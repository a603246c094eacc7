/**
 * Runs each test once as it is, which tells what it reaches, and then once for each mutant alive that it reaches: a
 * mutant that makes it fail, or go round in loops, is killed. Mutants of what is computed when files are loaded are
 * planted instead, one at a time, before anything is loaded.
 */
import { setMaxListeners } from 'node:events';
import type { RunnerTestCase, SerializedConfig } from 'vitest';
import { VitestTestRunner } from 'vitest/runners';

declare module 'vitest' {
  interface ProvidedContext {
    readonly trial: Trial;
  }
  interface TaskMeta {
    trial?: Outcome;
  }
}

export interface Trial {
  readonly living: readonly number[];
  readonly planted: number | null;
  /** Tests that take longer try no mutants; in milliseconds. */
  readonly slowest: number;
  /** Ids of tests that are not run. */
  readonly left: readonly string[];
}

export interface Outcome {
  readonly reached: readonly number[];
  /** What was reached while files were loaded, before the first test. */
  readonly loaded: readonly number[];
  readonly killed: readonly number[];
  /** What the test took as it is. */
  readonly ms: number;
}

/** A mutant is taken to run for ever when it is reached so much oftener, or takes so much longer, than the original. */
const ENDLESS = { times: 100, reached: 10_000, factor: 10, ms: 2_000 };
const MOST_REACHED_PLANTED = 1_000_000;

export default class MutantRunner extends VitestTestRunner {
  readonly #trial: Trial = this.injectValue('trial');
  readonly #left = new Set(this.#trial.left);
  readonly #living = new Set(this.#trial.living);
  /** How often each mutant's place was reached, by its id. */
  readonly #times: Uint32Array;
  #loaded: readonly number[] | undefined;
  #on = this.#trial.planted;
  #mostReached = MOST_REACHED_PLANTED;
  #dead = false;
  /** The test may use false timers. */
  readonly #setTimeout = globalThis.setTimeout;

  constructor(config: SerializedConfig) {
    super(config);
    // Each run of a test listens to the signal of its context.
    setMaxListeners(0);
    this.#times = new Uint32Array(1 + Math.max(0, ...this.#living));
    globalThis.mutantIsOn = (id) => this.#isOn(id);
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    this.#loaded ??= this.#reached();
    if (this.#left.has(test.id)) return;
    const run = VitestTestRunner.getTestFn(test);
    if (this.#trial.planted !== null) return this.#passPlanted(run);
    this.#times.fill(0);
    const begun = performance.now();
    await run();
    const ms = performance.now() - begun;
    const reached = this.#reached();
    const killed = ms > this.#trial.slowest ? [] : await this.#kill(run, reached, ms);
    test.meta.trial = { reached, loaded: this.#loaded, killed, ms };
    // A test that does not pass again says nothing: it fails, and what it killed does not count.
    if (killed.length > 0) await run();
  }

  /** Once one test has failed, no other need run. */
  async #passPlanted(run: () => unknown): Promise<void> {
    if (this.#dead) return;
    this.#mostReached = MOST_REACHED_PLANTED;
    this.#dead = true;
    await run();
    this.#dead = false;
  }

  async #kill(
    run: () => unknown,
    reached: readonly number[],
    ms: number,
  ): Promise<readonly number[]> {
    const killed: number[] = [];
    const times = this.#times.slice();
    for (const id of reached.filter((one) => this.#living.has(one))) {
      this.#mostReached = (times[id] ?? 0) * ENDLESS.times + ENDLESS.reached;
      this.#on = id;
      if (await this.#fails(run, ms * ENDLESS.factor + ENDLESS.ms)) killed.push(id);
      this.#on = null;
    }
    for (const id of killed) this.#living.delete(id);
    return killed;
  }

  /** Whether a run fails, or takes longer. */
  async #fails(run: () => unknown, mostMs: number): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<true>((resolve) => {
      timer = this.#setTimeout(() => resolve(true), mostMs);
    });
    try {
      return await Promise.race([late, failed(run)]);
    } finally {
      clearTimeout(timer);
    }
  }

  #reached(): readonly number[] {
    return [...this.#times.keys()].filter((id) => this.#times[id]);
  }

  #isOn(id: number): boolean {
    if (this.#on !== id) {
      this.#times[id] = (this.#times[id] ?? 0) + 1;
      return false;
    }
    if (--this.#mostReached < 0) throw new Error('runs for ever');
    return true;
  }
}

async function failed(run: () => unknown): Promise<boolean> {
  try {
    await run();
    return false;
  } catch {
    return true;
  }
}
