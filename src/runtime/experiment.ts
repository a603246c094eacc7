import type { DeviceProfile } from './device_profile.ts';
import type { Graph } from './graph.ts';

/**
 * What WebGPU does not have for all yet, and what this library makes of it: handed to `Device.open` by who wants it, so
 * that pages which do not want it carry nothing of it.
 */
export interface Experiment {
  /** What to ask an adapter for, from what it would be asked. May throw UnsupportedError where it lacks something. */
  readonly descriptor: (adapter: GPUAdapter, plain: GPUDeviceDescriptor) => GPUDeviceDescriptor;
  /** What plans need to know of such a device besides, with the experiment itself. */
  readonly profile: (info: GPUAdapterInfo, features: Iterable<string>) => Partial<DeviceProfile>;
  /** The same graph, some of whose operators have more kernels. */
  readonly offer: (graph: Graph) => Graph;
}
