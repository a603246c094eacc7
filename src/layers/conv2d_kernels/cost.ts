/**
 * The cost model that ranks the ways to compute a convolution. Its unit is one multiply-add of one lane, at the
 * rate at which an adapter does nothing else; the figures are measured, and only ratios matter.
 */
import type { DeviceFamily, DeviceProfile } from '../../runtime/device_profile.ts';
import { gpuClassOf } from '../../runtime/gpu_class.ts';

/** What memory and instructions cost on an adapter, in multiply-adds of a lane. */
export interface AdapterCosts {
  /** A load whose neighbours read neighbouring words, or all the same. */
  readonly load: number;
  /** Any other load of one word. */
  readonly gather: number;
  /** A load of four words. */
  readonly load4: number;
  readonly store: number;
  /** Passing a value on within a subgroup. */
  readonly share: number;
  /** A dispatch more, in multiply-adds of the whole device. */
  readonly dispatch: number;
}

/** Every load and store takes about 100 instructions for its four lanes; the sums live in memory. */
const SWIFTSHADER: AdapterCosts = {
  load: 15,
  gather: 15,
  load4: 60,
  store: 15,
  share: 0.5,
  dispatch: 1e5,
};

/** Mesa's llvmpipe, and what else runs on the CPU: every load and store goes lane by lane. */
const LLVMPIPE: AdapterCosts = {
  load: 20,
  gather: 20,
  load4: 44,
  store: 20,
  share: 2,
  dispatch: 1e6,
};

/**
 * Memory: about 10 multiply-adds a byte on a discrete GPU, most of it hidden while others compute. A dispatch, of one
 * compute unit: 2 microseconds of a GPU that runs empty (measured on an H200), and as much of the host.
 */
const GPU: AdapterCosts = {
  load: 20,
  gather: 40,
  load4: 80,
  store: 40,
  share: 1,
  dispatch: 1e6,
};

const COSTS: Readonly<Record<DeviceFamily, AdapterCosts>> = {
  swiftshader: SWIFTSHADER,
  llvmpipe: LLVMPIPE,
  gpu: GPU,
};

export function costsOf(device: DeviceProfile): AdapterCosts {
  const costs = COSTS[device.family];
  if (device.family !== 'gpu') return costs;
  return { ...costs, dispatch: costs.dispatch * gpuClassOf(device).units };
}
