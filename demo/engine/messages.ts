/** What travels between the page and the worker. */

/** Name of the error where the browser has WebGPU, but no adapter. */
export const NO_ADAPTER = 'NoAdapterError';

/** Page to worker. */
export type Request =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly name: string;
      readonly argument: unknown;
    }
  | { readonly kind: 'cancel'; readonly id: number };

/** Worker to page. */
export type Response<Event = unknown> =
  | { readonly kind: 'progress'; readonly id: number; readonly progress: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'fault'; readonly id: number; readonly name: string; readonly message: string }
  | { readonly kind: 'event'; readonly event: Event };

/** Calls by name: what each takes, reports on its way, and answers. */
export type CallTable = Readonly<
  Record<
    string,
    { readonly argument: unknown; readonly progress: unknown; readonly answer: unknown }
  >
>;
