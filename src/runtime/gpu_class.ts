/**
 * What kernels need to know of the GPUs that people have, beyond WebGPU's limits: plain data, chosen by what an adapter
 * says of itself (GPUAdapterInfo, whose strings are Dawn's).
 *
 * Registers, prefetching and unrolling were found by compiling conv2d_tiled with Mesa's compilers for each of them (see
 * docs/kernels.md); units are those of usual members of a family, as their makers' documents name them, and serve
 * the ranking of configurations only.
 */
import type { DeviceProfile } from './device_profile.ts';

export interface GpuClass {
  /** Words that an invocation may hold in registers before the compiler spills, or halves how many run at a time. */
  readonly registers: number;
  /** Whether the next tiles wait in registers while these are multiplied. */
  readonly prefetch: boolean;
  /** Steps of an inner loop that are written out, at most: some compilers load for all of them at once, and spill. */
  readonly unroll: number;
  /** Bytes of a workgroup's memory: with more, too few workgroups run at a time. */
  readonly workgroupBytes: number;
  /** Compute units: streaming multiprocessors, cores, or Xe cores, each with some 128 multiply-adds a cycle. */
  readonly units: number;
}

/** By vendor. */
const CLASSES: ReadonlyMap<string, GpuClass> = new Map([
  // A SIMD's 192 KB of registers hold 16 waves of 96 words, or 10 of 144; RDNA's have 256 words at most.
  ['amd', { registers: 144, prefetch: true, unroll: 4, workgroupBytes: 32768, units: 80 }],
  // Of 128 words, 1024 threads have 52, 512 threads have 104.
  ['apple', { registers: 104, prefetch: false, unroll: 4, workgroupBytes: 16384, units: 16 }],
  // Valhall: 64 words, or 32 with twice as many threads.
  ['arm', { registers: 64, prefetch: false, unroll: 4, workgroupBytes: 16384, units: 10 }],
  // 128 registers of 32 bytes: 64 words at the width of 16 that Dawn asks for.
  ['intel', { registers: 64, prefetch: false, unroll: 1, workgroupBytes: 16384, units: 8 }],
  // 64 K words of registers hold 448 threads of 144. Ahead, and 32 KB, measured: 6 % and 30 % of small maps' time.
  ['nvidia', { registers: 144, prefetch: true, unroll: 4, workgroupBytes: 32768, units: 80 }],
  // Of four words each; more than 24 of them leave six waves.
  ['qualcomm', { registers: 128, prefetch: false, unroll: 1, workgroupBytes: 16384, units: 6 }],
]);

/** Of what hides its name, as browsers may, or is of another maker: what spills nowhere. */
const UNKNOWN: GpuClass = {
  registers: 64,
  prefetch: false,
  unroll: 1,
  workgroupBytes: 16384,
  units: 80,
};

/** The class of a GPU; of an adapter that says nothing of itself, the one that suits all. */
export function gpuClassOf({ vendor }: Pick<DeviceProfile, 'vendor'>): GpuClass {
  return CLASSES.get(vendor) ?? UNKNOWN;
}
