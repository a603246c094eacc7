/** The limits of an adapter, measured: what profiles and benchmarks compare with. */
import {
  CEILING_THREADS,
  type CopyCeilingConfig,
  copyCeiling,
  type FmaCeilingConfig,
  fmaCeiling,
} from '../../shaders/ceiling.wgsl.ts';
import { gridOf } from '../../shaders/lib/grid.ts';
import type { Device } from '../runtime/gpu/device.ts';
import { Program, ScratchBuffer } from '../runtime/gpu/program.ts';
import { timeEach, type Work } from '../runtime/gpu/stopwatch.ts';

export interface Ceilings {
  /** f32 floating-point operations a second, in 10^9; a multiply-add counts as two. */
  readonly gflops: number;
  /** Bytes read and written a second by a copy, in 10^9. */
  readonly gigabytesPerSecond: number;
}

/** Which shape fills an adapter best differs; the best of these counts. */
const FMA_CONFIGS: readonly Omit<FmaCeilingConfig, 'steps'>[] = [
  { chains: 8, width: 1 },
  { chains: 16, width: 1 },
  { chains: 4, width: 4 },
  { chains: 8, width: 4 },
];

const COPY_CONFIGS: readonly CopyCeilingConfig[] = [
  { width: 1, run: 1 },
  { width: 4, run: 1 },
  { width: 4, run: 16 },
];

/** A limit is what was reached once: other work on the machine can only hide it. */
const REPEATS = 4;
const COPIED_FLOATS = 4 * 2 ** 20;

/** Measures both limits; takes about a second on an adapter that computes on the CPU. */
export async function measureCeilings(device: Device): Promise<Ceilings> {
  return { gflops: await measureFma(device), gigabytesPerSecond: await measureCopy(device) };
}

async function measureFma(device: Device): Promise<number> {
  const software = device.profile.kind === 'cpu';
  const workgroups = software ? 64 : 4096;
  const steps = software ? 2000 : 4000;
  const output = new ScratchBuffer(device, 'fma ceiling');
  try {
    const rates: number[] = [];
    for (const config of FMA_CONFIGS) {
      const source = fmaCeiling({ ...config, steps });
      const program = await Program.compile(device, 'fma ceiling', source, ['read_write']);
      const threads = workgroups * CEILING_THREADS;
      const buffer = output.reserve(4 * config.width * threads);
      const ms = await bestOf(device, (pass) => program.record(pass, [buffer], [workgroups, 1, 1]));
      rates.push((2 * threads * steps * config.chains * config.width) / ms / 1e6);
    }
    return Math.max(...rates);
  } finally {
    output.dispose();
  }
}

async function measureCopy(device: Device): Promise<number> {
  const bytes = 4 * COPIED_FLOATS;
  const from = new ScratchBuffer(device, 'copy ceiling, from');
  const to = new ScratchBuffer(device, 'copy ceiling, to');
  try {
    const buffers = [from.reserve(bytes), to.reserve(bytes)];
    const rates: number[] = [];
    for (const config of COPY_CONFIGS) {
      const workgroups = COPIED_FLOATS / config.width / config.run / CEILING_THREADS;
      const grid = gridOf(workgroups, device.profile.limits.maxComputeWorkgroupsPerDimension);
      const source = copyCeiling(COPIED_FLOATS, config, grid);
      const program = await Program.compile(device, 'copy ceiling', source, ['read', 'read_write']);
      const ms = await bestOf(device, (pass) =>
        program.record(pass, buffers, [grid.columns, grid.rows, 1]),
      );
      rates.push((2 * bytes) / ms / 1e6);
    }
    return Math.max(...rates);
  } finally {
    from.dispose();
    to.dispose();
  }
}

/** The first run compiles and touches memory for the first time; of the others the fastest counts. */
async function bestOf(device: Device, work: Work): Promise<number> {
  const [, ...times] = await timeEach(
    device,
    Array.from({ length: REPEATS + 1 }, () => work),
  );
  return Math.min(...times);
}
