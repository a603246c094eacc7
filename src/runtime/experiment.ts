import type { DeviceProfile } from './device_profile.ts';
import type { Graph } from './graph.ts';

/**
 * What WebGPU does not have for all yet, and what comes with it: handed to `Device.open` by who wants it, so that pages
 * which do not carry nothing of it.
 */
export interface Experiment {
  /** Features to ask this adapter for. May throw UnsupportedError where it lacks them. */
  readonly features: (adapter: GPUAdapter) => readonly string[];
  /** What plans need to know of such a device besides. */
  readonly profile: (
    info: GPUAdapterInfo,
    features: GPUSupportedFeatures,
  ) => Partial<DeviceProfile>;
  /** The same graph, whose operators have more kernels. */
  readonly offer: (graph: Graph) => Graph;
}
