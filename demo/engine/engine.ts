import type { Calls, EngineEvent } from './calls.ts';
import type { Request, Response } from './messages.ts';

/** What a call threw in the worker: its name and message. */
export class EngineError extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Whether the device was lost under a call, more often than the worker tries: another attempt may succeed. */
export function isLoss(error: unknown): boolean {
  return error instanceof EngineError && error.name === 'DeviceLostError';
}

export interface CallOptions<Progress> {
  /** What is handed over, and not copied. */
  readonly transfer?: readonly Transferable[];
  readonly onProgress?: (progress: Progress) => void;
  /** The worker stops as soon as it can; the call is rejected at once, with the signal's reason. */
  readonly signal?: AbortSignal;
}

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly onProgress: (progress: unknown) => void;
}

/** The page's end of the worker, in which everything is computed. */
export class Engine {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  #calls = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<Response<EngineEvent>>) =>
      this.#hear(data),
    );
    worker.addEventListener('error', ({ message }) => {
      const error = new EngineError('WorkerError', message || 'the worker could not be started');
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    });
  }

  /** Calls the worker. Rejects with EngineError, or the signal's reason. */
  call<Name extends keyof Calls>(
    name: Name,
    argument: Calls[Name]['argument'],
    options: CallOptions<Calls[Name]['progress']> = {},
  ): Promise<Calls[Name]['answer']> {
    const { transfer = [], onProgress, signal } = options;
    signal?.throwIfAborted();
    const id = this.#calls++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, {
        resolve: (answer) => resolve(answer as Calls[Name]['answer']),
        reject,
        onProgress: (progress) => onProgress?.(progress as Calls[Name]['progress']),
      });
      signal?.addEventListener('abort', () => this.#cancel(id, signal.reason), { once: true });
      this.#send({ kind: 'call', id, name, argument }, transfer);
    });
  }

  /** Hears what the worker tells unasked; returns a function that ends it. */
  listen(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #cancel(id: number, reason: unknown): void {
    const call = this.#pending.get(id);
    if (!call) return;
    this.#pending.delete(id);
    this.#send({ kind: 'cancel', id });
    call.reject(reason);
  }

  #send(request: Request, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(request, [...transfer]);
  }

  #hear(response: Response<EngineEvent>): void {
    if (response.kind === 'event') {
      for (const listener of this.#listeners) listener(response.event);
      return;
    }
    // A call that was cancelled has nobody waiting.
    const call = this.#pending.get(response.id);
    if (!call) return;
    if (response.kind === 'progress') call.onProgress(response.progress);
    else this.#pending.delete(response.id);
    if (response.kind === 'answer') call.resolve(response.answer);
    if (response.kind === 'fault') call.reject(new EngineError(response.name, response.message));
  }
}
