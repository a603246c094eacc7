/**
 * GPUs whose times `predict` estimates: what their makers say of them, as of 2026.
 *
 * Units are what `GpuClass.units` counts, of 128 multiply-adds in a cycle each: streaming multiprocessors, pairs of
 * compute units of RDNA, cores of Apple's, Xe cores, and parts of Adreno of that size. Clocks are those that makers
 * call boost, which laptops and phones hold for moments only.
 */
import type { DeviceProfile } from '../runtime/device_profile.ts';

/** What `predict` knows of a GPU. */
export interface GpuFigures {
  /** As `inspect --predict` takes it: `apple-m1`. */
  readonly name: string;
  /** As WebGPU names the maker. */
  readonly vendor: DeviceProfile['vendor'];
  /** Compute units of 128 multiply-adds in a cycle. */
  readonly units: number;
  /** Billions of cycles a second. */
  readonly gigahertz: number;
  /** Of its memory. */
  readonly gigabytesPerSecond: number;
}

type Row = readonly [name: string, vendor: string, units: number, gigahertz: number, gbs: number];

const ROWS: readonly Row[] = [
  ['adreno-740', 'qualcomm', 12, 0.68, 67],
  ['amd-radeon-780m', 'amd', 6, 2.7, 90],
  ['amd-rx-6600', 'amd', 14, 2.49, 224],
  ['amd-rx-7900-xtx', 'amd', 48, 2.5, 960],
  ['apple-m1', 'apple', 8, 1.28, 68],
  ['apple-m1-max', 'apple', 32, 1.3, 400],
  ['apple-m2', 'apple', 10, 1.4, 100],
  ['intel-arc-a770', 'intel', 32, 2.1, 560],
  ['intel-iris-xe', 'intel', 6, 1.35, 60],
  ['nvidia-h200', 'nvidia', 132, 1.98, 4800],
  ['nvidia-rtx-3060', 'nvidia', 28, 1.78, 360],
  ['nvidia-rtx-4090', 'nvidia', 128, 2.52, 1008],
];

/**
 * The GPUs that `predict` knows, by name.
 *
 * @example
 * const m1 = GPUS.find(({ name }) => name === 'apple-m1');
 */
export const GPUS: readonly GpuFigures[] = ROWS.map(
  ([name, vendor, units, gigahertz, gigabytesPerSecond]) => ({
    ...{ name, vendor, units, gigahertz, gigabytesPerSecond },
  }),
);
