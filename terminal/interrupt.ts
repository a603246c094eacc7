/** Ctrl-C that ends work early in place of the process. */

/**
 * Runs `work` with a signal that the first Ctrl-C aborts, so that it can return what it has; a second one
 * ends the process as usual. An interrupted command has the exit code 130.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (): void => {
    controller.abort();
    process.exitCode = 130;
  };
  process.once('SIGINT', interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', interrupt);
  }
}
