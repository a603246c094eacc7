/** What a benchmark of kernels found, as JSON holds it. */
import type { Ceilings, Clock } from '../../src/index.ts';
import type { Statistics } from '../statistics.ts';

export interface KernelReport {
  readonly adapter: { readonly name: string; readonly software: boolean };
  /** What timed the kernels; `host` times include the cost of a submit. */
  readonly clock: Clock;
  readonly ceilings: Ceilings;
  readonly layers: readonly LayerReport[];
  /** Whether it was stopped before all layers were measured. */
  readonly stopped: boolean;
}

export interface LayerReport {
  /** As `--shape` takes it. */
  readonly layer: string;
  /** The layers of the model that have this shape. */
  readonly names: readonly string[];
  readonly flops: number;
  readonly bytes: number;
  /** The least time that the adapter's limits allow, by multiply-adds or by bytes. */
  readonly limitMs: number;
  /** Fastest first, then those that gave no time. */
  readonly kernels: readonly KernelResult[];
}

/** A kernel in one configuration. */
export interface KernelVariant {
  readonly kernel: string;
  readonly config: object;
  /** Whether this is what a session takes. */
  readonly chosen: boolean;
}

export type KernelResult = TimedKernel | UntimedKernel;

export interface TimedKernel extends KernelVariant {
  readonly status: 'timed';
  readonly ms: Statistics;
  readonly gflops: number;
  readonly gigabytesPerSecond: number;
  /** The layer's `limitMs` by the median. Beyond 1 where a kernel needs fewer operations, or stays in a cache. */
  readonly shareOfLimit: number;
  /** The largest difference from the reference, as a share of the largest value. */
  readonly error: number;
}

/** `wrong`: its result is not the reference's. `failed`: it does not compile, or the device refused it. */
export interface UntimedKernel extends KernelVariant {
  readonly status: 'wrong' | 'failed';
  readonly message: string;
}

/** The least time that limits allow, in milliseconds: the roofline, turned round. */
export function limitMs(
  { flops, bytes }: { readonly flops: number; readonly bytes: number },
  { gflops, gigabytesPerSecond }: Ceilings,
): number {
  return Math.max(flops / gflops, bytes / gigabytesPerSecond) / 1e6;
}
