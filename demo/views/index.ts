import type { ViewEntry } from './view.ts';

/** Every view, in the order of the tabs; the first is shown where the address names none. */
export const views: readonly ViewEntry[] = [
  {
    name: 'digits',
    title: 'Digits',
    load: async (engine) => (await import('./digits/digits_view.ts')).digitsView(engine),
  },
  {
    name: 'photos',
    title: 'Photos',
    load: async (engine) => (await import('./photos/photos_view.ts')).photosView(engine),
  },
  {
    name: 'segment',
    title: 'Segment',
    load: async (engine) => (await import('./segment/segment_view.ts')).segmentView(engine),
  },
  {
    name: 'detect',
    title: 'Detect',
    load: async (engine) => (await import('./detect/detect_view.ts')).detectView(engine),
  },
  {
    name: 'inside',
    title: 'Inside',
    load: async (engine) => (await import('./inside/inside_view.ts')).insideView(engine),
  },
  {
    name: 'kernels',
    title: 'Kernels',
    load: async (engine) => (await import('./kernels/kernels_view.ts')).kernelsView(engine),
  },
  {
    name: 'verify',
    title: 'Verify',
    load: async (engine) => (await import('./verify/verify_view.ts')).verifyView(engine),
  },
];
