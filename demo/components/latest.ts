/**
 * Runs work one at a time. What is asked for meanwhile waits, and only the last of it: for answers to
 * something that changes faster than they come.
 */
export class Latest {
  #running = false;
  #next: (() => Promise<void>) | undefined;

  run(work: () => Promise<void>): void {
    this.#next = work;
    if (!this.#running) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#running = true;
    while (this.#next) {
      const work = this.#next;
      this.#next = undefined;
      await work();
    }
    this.#running = false;
  }
}
