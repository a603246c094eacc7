import { Device, UnsupportedError } from '../../src/index.ts';
import type { AdapterReport, EngineEvent } from '../engine/calls.ts';
import { once } from './once.ts';

/** Waits between attempts to open the device: right after its GPU process has ended, a browser offers no adapter. */
const RETRY_MS = [300, 700, 1500, 3000];

const SHOWN_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
] as const;

/** The worker's one device: opened when it is first asked for, watched, and opened anew when it is lost. */
export class Gpu {
  readonly #tell: (event: EngineEvent) => void;
  /** Throws UnsupportedError where the browser has no WebGPU, or no adapter. */
  readonly device = once(() => this.#open());

  constructor(tell: (event: EngineEvent) => void) {
    this.#tell = tell;
  }

  async report(): Promise<AdapterReport> {
    return reportOf(await this.device());
  }

  async lose(): Promise<void> {
    const device = await this.device();
    device.gpu.destroy();
  }

  async #open(): Promise<Device> {
    const { gpu } = navigator;
    if (!gpu) throw new UnsupportedError('this browser has no WebGPU in workers; update it');
    const device = await retry(() => Device.open(gpu));
    this.#watch(device);
    return device;
  }

  #watch(device: Device): void {
    this.#tell({ kind: 'opened', adapter: reportOf(device) });
    void device.gpu.lost.then(async ({ message }) => {
      this.#tell({ kind: 'lost', message });
      // The device hears of its loss by the same promise; it must have heard first.
      await pause(0);
      try {
        await retry(() => device.restore());
      } catch (error) {
        this.#tell({ kind: 'failed', message: error instanceof Error ? error.message : '' });
        return;
      }
      this.#watch(device);
    });
  }
}

async function retry<T>(attempt: () => Promise<T>): Promise<T> {
  for (const ms of RETRY_MS) {
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
