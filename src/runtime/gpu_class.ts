/**
 * What kernels need to know of the GPUs that people have, beyond WebGPU's limits: plain data, chosen by what an adapter
 * says of itself (GPUAdapterInfo, whose strings are Dawn's).
 *
 * Registers, the order of fetching and unrolling were found by compiling conv2d_tiled with Mesa's compilers for each of
 * them, and NVIDIA's by times (see docs/kernels.md). Units are those of usual members of a family, as their makers'
 * documents name them, and serve the ranking of configurations only.
 */
import type { FetchOrder } from '../../shaders/lib/fetch_order.ts';
import type { DeviceProfile } from './device_profile.ts';

export interface GpuClass {
  /** Words that an invocation may hold in registers before the compiler spills, or halves how many run at a time. */
  readonly registers: number;
  /** How the next tiles come to workgroup memory. */
  readonly fetch: FetchOrder;
  /** Steps of an inner loop that are written out, at most: some compilers load for all of them at once, and spill. */
  readonly unroll: number;
  /** Bytes of a workgroup's memory: with more, too few workgroups run at a time. */
  readonly workgroupBytes: number;
  /** Compute units: streaming multiprocessors, cores, or Xe cores, each with some 128 multiply-adds a cycle. */
  readonly units: number;
}

/** What a class has, in the order of its fields. */
type Row = readonly [
  registers: number,
  fetch: FetchOrder,
  unroll: number,
  workgroupBytes: number,
  units: number,
];

/**
 * NVIDIA's and AMD's. 64 K words of registers hold 448 threads of 144; a SIMD's 192 KB hold 10 waves of them. Fetching
 * ahead takes 4 % off ResNet-50's convolutions on an H200, 32 KB in place of 16 another 3 %.
 */
const LARGE: Row = [144, 'ahead', 4, 32768, 80];

/** By vendor. */
const CLASSES: ReadonlyMap<string, Row> = new Map([
  ['amd', LARGE],
  // Of 128 words, 1024 threads have 52, 512 threads have 104.
  ['apple', [104, 'together', 4, 16384, 16]],
  // Valhall: 64 words, of which what is gathered word by word needs more than is left beside 4 x 8 sums.
  ['arm', [62, 'together', 4, 16384, 10]],
  // 128 registers of 32 bytes: 64 words at the width of 16 that Dawn asks for.
  ['intel', [64, 'in turn', 1, 16384, 8]],
  ['nvidia', LARGE],
  // Of four words each; more than 32 of them leave four waves, and spill on Adreno 660.
  ['qualcomm', [104, 'together', 4, 16384, 6]],
]);

/** Of what hides its name, as browsers may, or is of another maker: what spills nowhere. */
const UNKNOWN: Row = [62, 'in turn', 1, 16384, 80];

/** The class of a GPU; of an adapter that says nothing of itself, the one that suits all. */
export function gpuClassOf(device: Pick<DeviceProfile, 'vendor' | 'units'>): GpuClass {
  const row = CLASSES.get(device.vendor) ?? UNKNOWN;
  const [registers, fetch, unroll, workgroupBytes, usual] = row;
  return { registers, fetch, unroll, workgroupBytes, units: device.units ?? usual };
}
