/** What measurements depend on besides the adapter: the machine, and what else it does at the time. */
import { execFileSync } from 'node:child_process';
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';

export interface MachineFacts {
  /** Of the measurement, as 2026-11-24. */
  readonly date: string;
  /** Of Tilewise, where it is run from a clone. */
  readonly commit?: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  /** Over the last 1, 5 and 15 minutes; zeros on Windows, which has none. */
  readonly loadAverage: readonly number[];
  readonly platform: string;
  readonly node: string;
}

/**
 * For the environment of a process whose start is to be cold: Mesa and NVIDIA's driver keep compiled shaders on disk,
 * and a start would be cold only the first time.
 */
export const NO_SHADER_CACHES: Readonly<Record<string, string>> = {
  MESA_SHADER_CACHE_DISABLE: 'true',
  __GL_SHADER_DISK_CACHE: '0',
};

export function machineFacts(): MachineFacts {
  const commit = currentCommit();
  return {
    date: new Date().toISOString().slice(0, 10),
    ...(commit !== undefined && { commit }),
    processor: cpus()[0]?.model.trim() ?? '',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    loadAverage: loadavg().map((load) => Number(load.toFixed(1))),
    platform: `${platform()} ${arch()}`,
    node: process.versions.node,
  };
}

function currentCommit(): string | undefined {
  try {
    const args = ['-C', import.meta.dirname, 'rev-parse', '--short', 'HEAD'];
    return execFileSync('git', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}

/** Processor time in milliseconds, over all cores. */
interface ProcessorTime {
  readonly elapsed: number;
  readonly idle: number;
  readonly own: number;
}

/**
 * Begins to watch the processors. What it returns tells the share of them, 0 to 1, that neither idled nor
 * worked for this process since: other processes, and other machines on the same host.
 */
export function watchOtherWork(): () => number {
  const before = processorTime();
  return () => otherShare(before, processorTime(), cpus().length);
}

export function otherShare(before: ProcessorTime, after: ProcessorTime, cores: number): number {
  const available = (after.elapsed - before.elapsed) * cores;
  const idle = after.idle - before.idle;
  // A sandbox may hide what the processors do: then nothing is known of others.
  if (after.idle === 0 || available <= 0) return 0;
  const own = after.own - before.own;
  return Math.min(1, Math.max(0, 1 - (idle + own) / available));
}

function processorTime(): ProcessorTime {
  const { user, system } = process.cpuUsage();
  return {
    elapsed: performance.now(),
    idle: cpus().reduce((sum, { times }) => sum + times.idle, 0),
    own: (user + system) / 1000,
  };
}
