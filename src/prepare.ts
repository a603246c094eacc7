/** Preparing, with its arguments checked. */

import { checkArgument } from './runtime/arguments.ts';
import type { DeviceProfile } from './runtime/device_profile.ts';
import type { Device } from './runtime/gpu/device.ts';
import type { Graph } from './runtime/graph.ts';
import { checkKinds } from './runtime/kinds.ts';
import type { ExecutionPlan } from './runtime/plan/compile.ts';
import { type Prepared, type PrepareOptions, prepare as prepareWith } from './runtime/prepare.ts';

export type { Prepared, PrepareOptions };

/**
 * All that happens between a model and its first run, but for what needs a GPU: fusing, layouts, kernels, memory. What
 * a session of the same options runs is this plan.
 *
 * @param graph - Any.
 * @param options - The device's profile at least: `device.profile`, or `ANY_GPU`.
 * @returns The plan, and how it came about.
 * @throws UnsupportedError where the device is too small, lacks what `precision` needs, or `maxMemory` is too small.
 *
 * @example
 * const { plan, log } = prepare(graph, { device: ANY_GPU });
 * console.log(plan.memory.total, describeStages(log));
 */
export function prepare(graph: Graph, options: PrepareOptions): Prepared {
  checkKinds('prepare', { graph, options });
  const { device } = options;
  checkArgument(device?.family, 'prepare: options.device', 'a DeviceProfile', device);
  return prepareWith(graph, options);
}

/**
 * What a session of this graph would run on a device, without allocating anything.
 *
 * @param device - Open, or anything with a profile.
 * @param graph - Any.
 * @param options - As those of the session.
 * @throws What `prepare` throws.
 *
 * @example
 * const { weights: bytes } = planFor(device, graph).memory;
 */
export function planFor(
  device: { readonly profile: DeviceProfile } | Device,
  graph: Graph,
  options: Omit<PrepareOptions, 'device'> = {},
): ExecutionPlan {
  checkArgument(device?.profile, 'planFor: device', 'a Device', device);
  checkKinds('planFor', { graph, options });
  return prepare(graph, { ...options, device: device.profile }).plan;
}
