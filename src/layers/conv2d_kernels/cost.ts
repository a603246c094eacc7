/**
 * The cost model that ranks the ways to compute a convolution. Its unit is one multiply-add of one lane, at the
 * rate at which an adapter does nothing else; the figures are measured, and only ratios matter.
 */
import type { DeviceProfile } from '../../runtime/operator.ts';

/** What memory and instructions cost on an adapter, in multiply-adds of a lane. */
export interface AdapterCosts {
  /** A load whose neighbours read neighbouring words, or all the same. */
  readonly load: number;
  /** Any other load of one word. */
  readonly gather: number;
  /** A load of four words. */
  readonly load4: number;
  readonly store: number;
  /** A subgroupBroadcast. */
  readonly broadcast: number;
  /** A dispatch more, in multiply-adds of the whole device. */
  readonly dispatch: number;
  /** Sizes are bound rather than compiled in where compiling is what a first run waits for. */
  readonly bound: boolean;
}

/** Reactor, its compiler, finds at run time whether lanes read neighbouring words; the sums live in memory. */
const SWIFTSHADER: AdapterCosts = {
  load: 6,
  gather: 14,
  load4: 56,
  store: 10,
  broadcast: 1,
  dispatch: 1e5,
  bound: false,
};

/** Mesa's llvmpipe, and what else runs on the CPU: every load and store goes lane by lane. */
const LLVMPIPE: AdapterCosts = {
  load: 20,
  gather: 20,
  load4: 44,
  store: 20,
  broadcast: 2,
  dispatch: 1e6,
  bound: true,
};

/** Memory: about 10 multiply-adds a byte on a discrete GPU, most of it hidden while others compute. */
const GPU: AdapterCosts = {
  load: 20,
  gather: 40,
  load4: 80,
  store: 40,
  broadcast: 1,
  dispatch: 2e7,
  bound: false,
};

export function costsOf(device: DeviceProfile): AdapterCosts {
  if (device.kind === 'gpu') return GPU;
  return /swiftshader/i.test(device.adapter) ? SWIFTSHADER : LLVMPIPE;
}
