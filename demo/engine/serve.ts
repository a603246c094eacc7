import type { CallTable, Request, Response } from './messages.ts';

/** What a method gets beside its argument. */
export interface CallContext<Progress> {
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** A function for each call of the table. */
export type Methods<Calls> = {
  readonly [Name in keyof Calls]: Calls[Name] extends CallTable[string]
    ? (
        argument: Calls[Name]['argument'],
        context: CallContext<Calls[Name]['progress']>,
      ) => Promise<Calls[Name]['answer']>
    : never;
};

type Method = (argument: unknown, context: CallContext<unknown>) => Promise<unknown>;

/** The part of a worker's global scope that is used here; TypeScript's DOM library knows only windows. */
export interface WorkerScope {
  addEventListener(type: 'message', listener: (event: MessageEvent<Request>) => void): void;
  postMessage(message: Response): void;
}

/** The worker's end: answers calls until the worker ends. */
export function serve<Calls>(scope: WorkerScope, methods: Methods<Calls>): void {
  const running = new Map<number, AbortController>();
  const table = methods as Readonly<Record<string, Method>>;

  async function answer(id: number, name: string, argument: unknown): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    running.set(id, controller);
    const onProgress = (progress: unknown): void => {
      if (!signal.aborted) scope.postMessage({ kind: 'progress', id, progress });
    };
    try {
      const method = table[name];
      if (!method) throw new Error(`the worker knows no call "${name}"`);
      const result = await method(argument, { onProgress, signal });
      scope.postMessage({ kind: 'answer', id, answer: result });
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      scope.postMessage({ kind: 'fault', id, name: error.name, message: error.message });
    } finally {
      running.delete(id);
    }
  }

  scope.addEventListener('message', ({ data: request }) => {
    if (request.kind === 'cancel') running.get(request.id)?.abort();
    else void answer(request.id, request.name, request.argument);
  });
}
