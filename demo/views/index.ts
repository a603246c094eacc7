import type { ViewEntry } from './view.ts';

/** Every view, in the order of the tabs; the first is shown where the address names none. */
export const views: readonly ViewEntry[] = [
  {
    name: 'digits',
    title: 'Digits',
    load: async (engine) => (await import('./digits/digits_view.ts')).digitsView(engine),
  },
];
