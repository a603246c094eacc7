/**
 * What becomes of work, or the signal's reason as soon as there is one. Nobody waits for the work then, which has to
 * end by itself. Work that `isDone`, though its promise is not settled yet, is not rejected any more.
 */
export function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  isDone: () => boolean = () => false,
): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = (): unknown => isDone() || reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
