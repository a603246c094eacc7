/** Work in turn, one at a time. What is cancelled while it waits is never begun. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Throws what the work throws, or the signal's reason. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      signal.throwIfAborted();
      return work();
    });
    this.#last = result.catch(() => {});
    return result;
  }
}
