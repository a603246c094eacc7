import type { Device } from './runtime/gpu/device.ts';
import type { Graph } from './runtime/graph.ts';
import { Session, type SessionOptions } from './runtime/session.ts';

/** The weights, and how the graph is planned and run. */
export type CreateSessionOptions = SessionOptions;

/**
 * A session for a graph on a device: checks the weights, optimises and plans the graph, compiles its kernels and
 * uploads the weights.
 *
 * @param device - Open.
 * @param graph - Of `buildModel`, of a builder of your own, or of a file.
 * @param options - The weights at least; precision, tuning, limits, progress and signal besides.
 * @throws WeightError when weights are missing, extra or misshapen.
 * @throws UnsupportedError when the device is too small, lacks what `precision` needs, or `maxMemory` is too small.
 * @throws ShaderError, GpuError or DeviceLostError when the GPU fails.
 * @throws The signal's reason when it is aborted. What was allocated is freed in every case.
 *
 * @example
 * using network = await createSession(device, graph, { weights });
 * const { logits } = await network.run(pixels);
 */
export function createSession(
  device: Device,
  graph: Graph,
  options: CreateSessionOptions,
): Promise<Session> {
  return Session.create(device, graph, options);
}
