/** The limits of an adapter, measured: what profiles and benchmarks compare with. */

import {
  CEILING_THREADS,
  type CopyCeilingConfig,
  copyCeiling,
  type FmaCeilingConfig,
  fmaCeiling,
} from '../../shaders/ceiling.wgsl.ts';
import { gridOf } from '../../shaders/lib/grid.ts';
import { kindOf } from '../runtime/device_profile.ts';
import type { Device, Opening } from '../runtime/gpu/device.ts';
import { Program, ScratchBuffer } from '../runtime/gpu/program.ts';
import { timeEach, type Work } from '../runtime/gpu/stopwatch.ts';
import { checkKinds } from '../runtime/kinds.ts';

/** What a device can do at most, as microkernels measure it. */
export interface Ceilings {
  /** f32 floating-point operations a second, in 10^9; a multiply-add counts as two. */
  readonly gflops: number;
  /** Bytes read and written a second by a copy, in 10^9. */
  readonly gigabytesPerSecond: number;
}

/** Which shape fills an adapter best differs: a GPU needs few chains, a CPU as many as it has registers. */
const FMA_CONFIGS: readonly Omit<FmaCeilingConfig, 'steps'>[] = [
  { chains: 8, width: 1 },
  { chains: 12, width: 1 },
  { chains: 16, width: 1 },
  { chains: 24, width: 1 },
  { chains: 32, width: 1 },
  { chains: 4, width: 4 },
];

const COPY_CONFIGS: readonly CopyCeilingConfig[] = [
  { width: 1, run: 1 },
  { width: 1, run: 16 },
  { width: 4, run: 1 },
  { width: 4, run: 16 },
];

/** Multiply-adds of one invocation, the same in all shapes. */
const MULTIPLY_ADDS = 16 * 1024;
const ROUNDS = 5;
/** A shorter sample would measure the clock as much as the adapter. */
const LEAST_SAMPLE_MS = 30;
const MOST_REPEATS = 16;

/** How `measureCeilings` is stopped. */
export interface MeasureCeilingsOptions {
  /** Stops it between two samples, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Measures both limits; takes about three seconds on an adapter that computes on the CPU.
 *
 * @param device - Open, and otherwise idle.
 * @param options - A signal that stops it.
 * @throws GpuError or DeviceLostError when the GPU fails.
 * @throws The signal's reason when it is aborted.
 *
 * @example
 * const { gflops, gigabytesPerSecond } = await measureCeilings(device);
 */
export async function measureCeilings(
  device: Device,
  options: MeasureCeilingsOptions = {},
): Promise<Ceilings> {
  checkKinds('measureCeilings', { device, options });
  const { signal } = options;
  return device.use(async (opening) => ({
    gflops: await measureFma(opening, signal),
    gigabytesPerSecond: await measureCopy(opening, signal),
  }));
}

async function measureFma(opening: Opening, signal: AbortSignal | undefined): Promise<number> {
  const workgroups = kindOf(opening.profile) === 'cpu' ? 64 : 4096;
  const threads = workgroups * CEILING_THREADS;
  const widest = Math.max(...FMA_CONFIGS.map(({ width }) => width));
  const output = new ScratchBuffer(opening, 'fma ceiling');
  try {
    const buffer = output.reserve(4 * widest * threads);
    const works = FMA_CONFIGS.map(async (config) => {
      const steps = Math.ceil(MULTIPLY_ADDS / (config.chains * config.width));
      const source = fmaCeiling({ ...config, steps });
      const program = await Program.compile(opening, 'fma ceiling', source, ['read_write']);
      return {
        record: (pass: GPUComputePassEncoder) => program.record(pass, [buffer], [workgroups, 1, 1]),
        amount: 2 * threads * steps * config.chains * config.width,
      };
    });
    return await bestRate(opening, await Promise.all(works), signal);
  } finally {
    output.dispose();
  }
}

/** More than a cache holds, as far as the adapter allows. */
function copiedFloats({ profile }: Opening): number {
  return (kindOf(profile) === 'cpu' ? 4 : 16) * 2 ** 20;
}

async function measureCopy(opening: Opening, signal: AbortSignal | undefined): Promise<number> {
  const floats = copiedFloats(opening);
  const bytes = 4 * floats;
  const from = new ScratchBuffer(opening, 'copy ceiling, from');
  const to = new ScratchBuffer(opening, 'copy ceiling, to');
  try {
    const buffers = [from.reserve(bytes), to.reserve(bytes)];
    const works = COPY_CONFIGS.map(async (config) => {
      const workgroups = floats / config.width / config.run / CEILING_THREADS;
      const grid = gridOf(workgroups, opening.profile.limits.maxComputeWorkgroupsPerDimension);
      const source = copyCeiling(floats, config, grid);
      const program = await Program.compile(opening, 'copy ceiling', source, [
        'read',
        'read_write',
      ]);
      return {
        record: (pass: GPUComputePassEncoder) =>
          program.record(pass, buffers, [grid.columns, grid.rows, 1]),
        amount: 2 * bytes,
      };
    });
    return await bestRate(opening, await Promise.all(works), signal);
  } finally {
    from.dispose();
    to.dispose();
  }
}

/** A microkernel, and how much one dispatch of it does. */
interface Microkernel {
  readonly record: Work;
  readonly amount: number;
}

/**
 * The most that any of them did twice, in 10^9 a second. Other work on the machine can only hide a limit, but a
 * single sample may be a burst of the clock that no kernel keeps up: one of five was up to 1.4 times the others
 * on a CPU. They run in turn, so that neither falls on one of them alone.
 */
async function bestRate(
  opening: Opening,
  kernels: readonly Microkernel[],
  signal: AbortSignal | undefined,
): Promise<number> {
  signal?.throwIfAborted();
  const works = kernels.map(({ record }) => record);
  // The first run compiles, and touches memory for the first time.
  await timeEach(opening, works);
  const repeats = (await timeEach(opening, works)).map((ms) =>
    Math.min(MOST_REPEATS, Math.ceil(LEAST_SAMPLE_MS / Math.max(ms, 1e-3))),
  );
  const samples = works.map((work, i) => repeated(work, repeats[i] ?? 1));
  const rounds: (readonly number[])[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    signal?.throwIfAborted();
    rounds.push(await timeEach(opening, samples));
  }
  const rates = kernels.map(({ amount }, i) => {
    const times = rounds.map((round) => round[i] ?? Number.POSITIVE_INFINITY);
    return (amount * (repeats[i] ?? 1)) / secondLeast(times) / 1e6;
  });
  return Math.max(...rates);
}

function secondLeast(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[1] ?? Number.POSITIVE_INFINITY;
}

function repeated(record: Work, times: number): Work {
  return (pass) => {
    for (let i = 0; i < times; i++) record(pass);
  };
}
