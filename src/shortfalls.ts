/** What a device lacks of what kernels use, and what that costs. */

import { DEFAULT_LIMITS, type DeviceLimits } from './runtime/device_profile.ts';
import type { Device } from './runtime/gpu/device.ts';
import { checkKinds } from './runtime/kinds.ts';

const FEATURES: Readonly<Record<string, string>> = {
  'shader-f16': "sessions cannot have precision 'f16', which halves memory",
  subgroups: 'kernels exchange values through workgroup memory, which is slower',
  'timestamp-query': 'profile, tune and onGpuTime measure by the host’s clock, which is coarser',
};

const LIMITS: Readonly<Partial<Record<keyof DeviceLimits, string>>> = {
  maxBufferSize: 'larger batches run in parts, and larger weights are split',
  maxStorageBufferBindingSize: 'larger batches run in parts, and larger weights are split',
  maxStorageBuffersPerShaderStage: 'fewer operands are fused into the layer before them',
  maxComputeInvocationsPerWorkgroup: 'kernels with larger workgroups are not used',
  maxComputeWorkgroupStorageSize: 'kernels with larger tiles are not used',
};

/**
 * What a device lacks of what kernels use, each with what that costs, for a device that the application made: features
 * that it has not, and limits at WebGPU's defaults, of which its adapter may have more. Empty where nothing is missing;
 * `adapter.requestDevice(deviceDescriptor(adapter))` gives all that there is.
 *
 * @param device - Open, or adopted.
 * @throws TilewiseError for what is no device.
 *
 * @example
 * for (const line of shortfallsOf(device)) console.info(line);
 * // shader-f16: sessions cannot have precision 'f16', which halves memory
 */
export function shortfallsOf(device: Device): readonly string[] {
  checkKinds('shortfallsOf', { device });
  const { gpu } = device;
  const features = Object.entries(FEATURES).filter(([name]) => !gpu.features.has(name));
  const limits = (Object.entries(LIMITS) as [keyof DeviceLimits, string][]).filter(
    ([name]) => gpu.limits[name] <= DEFAULT_LIMITS[name],
  );
  return [
    ...features.map(([name, cost]) => `${name}: ${cost}`),
    ...limits.map(([name, cost]) => `${name} ${gpu.limits[name]}: ${cost}`),
  ];
}
