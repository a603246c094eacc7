import { Device, DeviceLostError, explainLack, UnsupportedError } from '../../src/index.ts';
import type { AdapterReport, EngineEvent } from '../engine/calls.ts';
import { NO_ADAPTER } from '../engine/messages.ts';
import { once } from './once.ts';

/** Waits between attempts to open a lost device: right after its GPU process has ended, a browser offers no adapter. */
const REOPEN_MS = [300, 700, 1500, 3000];

/** The same for the first device: who has no GPU should read what to do at once. */
const OPEN_MS = [300, 700];

/** How often work is begun whose device is lost: work that always loses it must end. */
const MOST_ATTEMPTS = 4;

/** A loss may be announced this much later than what it broke has failed. */
const ANNOUNCED_WITHIN_MS = 100;

const SHOWN_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
] as const;

export interface RunOptions {
  readonly signal: AbortSignal;
  /** 1 for work that is not worth another attempt when the device is lost. */
  readonly attempts?: number;
}

/** The worker's one device: opened when it is first asked for, watched, and opened anew when it is lost. */
export class Gpu {
  readonly #tell: (event: EngineEvent) => void;
  readonly #device = once(() => this.#open());
  /** Of the device that was watched last. */
  #watched: GPUDevice | undefined;

  constructor(tell: (event: EngineEvent) => void) {
    this.#tell = tell;
  }

  async report(): Promise<AdapterReport> {
    return reportOf(await this.#device());
  }

  async lose(): Promise<void> {
    const device = await this.#device();
    device.gpu.destroy();
  }

  /**
   * Runs work on the device. Where that is lost meanwhile, whatever came of the work is worth nothing, be it an error
   * or the times of kernels that never ran: it is done again on the device that takes its place. Throws what the work
   * throws, the signal's reason, DeviceLostError when every attempt has lost the device, and UnsupportedError where the
   * browser has no WebGPU, or no adapter. It begins when the GPU has done what was submitted before, such as the last
   * submits of a run that was cancelled: the times that the work takes are its own.
   */
  async run<T>(
    work: (device: Device) => Promise<T>,
    { signal, attempts = MOST_ATTEMPTS }: RunOptions,
  ): Promise<T> {
    const device = await this.#device();
    for (let attempt = 1; attempt <= attempts; attempt++) {
      await this.#restore(device);
      await device.gpu.queue.onSubmittedWorkDone().catch(() => {});
      signal.throwIfAborted();
      const outcome = await outcomeOf(() => work(device), device.gpu);
      if (outcome) return outcome.result;
    }
    throw new DeviceLostError('the GPU device was lost again and again; try once more');
  }

  async #open(): Promise<Device> {
    const { gpu } = navigator;
    if (!gpu) throw new UnsupportedError(explainLack('WebGPU').reason);
    const adapter = await retry(() => adapterOf(gpu), OPEN_MS);
    const device = await Device.open(gpu, { adapter });
    this.#watch(device);
    return device;
  }

  /** Once for each device that is opened. */
  #watch(device: Device): void {
    if (this.#watched === device.gpu) return;
    this.#watched = device.gpu;
    this.#tell({ kind: 'opened', adapter: reportOf(device) });
    void device.gpu.lost.then(async () => {
      this.#tell({ kind: 'lost' });
      // The device hears of its loss by the same promise; it must have heard first.
      await pause(0);
      await this.#restore(device).catch(() => this.#tell({ kind: 'failed' }));
    });
  }

  async #restore(device: Device): Promise<void> {
    try {
      await retry(() => device.restore(), REOPEN_MS);
    } catch {
      throw new DeviceLostError(
        'the GPU device was lost and does not open again; reload the page, or restart the browser',
      );
    }
    this.#watch(device);
  }
}

/** What came of work, unless the device was lost before it ended. */
async function outcomeOf<T>(
  work: () => Promise<T>,
  { lost }: GPUDevice,
): Promise<{ readonly result: T } | undefined> {
  let isLost = false;
  const loss = lost.then(() => {
    isLost = true;
  });
  try {
    const result = await work();
    return isLost ? undefined : { result };
  } catch (error) {
    await Promise.race([loss, pause(ANNOUNCED_WITHIN_MS)]);
    if (isLost) return undefined;
    throw error;
  }
}

async function adapterOf(gpu: GPU): Promise<GPUAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter) return adapter;
  throw Object.assign(new Error('the browser offers no GPU adapter'), { name: NO_ADAPTER });
}

async function retry<T>(attempt: () => Promise<T>, waits: readonly number[]): Promise<T> {
  for (const ms of waits) {
    try {
      return await attempt();
    } catch {
      await pause(ms);
    }
  }
  return attempt();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function reportOf({ adapter, gpu }: Device): AdapterReport {
  const limits = SHOWN_LIMITS.map((name) => [name, gpu.limits[name]]);
  return { ...adapter, limits: Object.fromEntries(limits) };
}
