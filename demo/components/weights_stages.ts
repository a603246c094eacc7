import type { WeightsProgress } from '../engine/calls.ts';

/** What is said of each stage until a network has its weights. */
export const STAGES: Readonly<Record<WeightsProgress['stage'], string>> = {
  download: 'Downloading',
  tune: 'Tuning layers',
  compile: 'Compiling kernels',
  upload: 'Uploading weights',
  time: 'Timing',
};

/** `Compiling kernels: 3 of 61` */
export function describeProgress({ stage, done, total }: WeightsProgress): string {
  return `${STAGES[stage]}: ${done} of ${total}`;
}
