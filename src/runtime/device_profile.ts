import type { Experiment } from './experiment.ts';

/** What a plan needs to know of a device: plain data, but for experiments, so that planning needs no GPU. */
export interface DeviceProfile {
  /** The adapters on which kernels behave differently: two that execute on the CPU, and GPUs. */
  readonly family: DeviceFamily;
  /** Its name, as drivers give it: `SwiftShader driver 5.0.0 (google, swiftshader)`. */
  readonly adapter: string;
  /** Maker and family of a GPU, as WebGPU names them: `apple`, `metal-3`; empty where a browser hides them. */
  readonly vendor: string;
  /** The family. */
  readonly architecture: string;
  /** How many compute units the GPU has, where that is known: browsers do not say. */
  readonly units?: number | undefined;
  /** The width of a subgroup, where subgroups exist and have one width only. */
  readonly subgroupSize: number | undefined;
  /** Whether kernels may use f16: the feature shader-f16. */
  readonly shaderF16: boolean;
  /** Where the device was opened with `subgroupMatrices` and has them. */
  readonly matrices?: SubgroupMatrices | undefined;
  /** With what the device was opened, where that comes to something. */
  readonly experimental?: Experiment | undefined;
  /** What WebGPU allows there. */
  readonly limits: DeviceLimits;
}

/** Matrices that subgroups multiply, of f16 with sums in f32. */
export interface SubgroupMatrices {
  /** M, N and K: the left matrix is M x K, the right one K x N. */
  readonly sizes: readonly (readonly [number, number, number])[];
  /** The narrowest and the widest subgroup. */
  readonly subgroupSizes: readonly [number, number];
}

/** SwiftShader and Mesa's llvmpipe, which compute on the CPU; or a GPU. */
export type DeviceFamily = 'swiftshader' | 'llvmpipe' | 'gpu';

/** What a kernel is written for. */
export type DeviceKind = 'cpu' | 'gpu';

/** Limits of WebGPU that kernels and plans heed, under their names there. */
export interface DeviceLimits {
  /** Bytes of a buffer. */
  readonly maxBufferSize: number;
  /** Bytes of a buffer that a kernel sees. */
  readonly maxStorageBufferBindingSize: number;
  /** Buffers that a kernel binds. */
  readonly maxStorageBuffersPerShaderStage: number;
  /** Invocations of a workgroup. */
  readonly maxComputeInvocationsPerWorkgroup: number;
  /** Bytes of a workgroup's memory. */
  readonly maxComputeWorkgroupStorageSize: number;
  /** Workgroups along each axis of a dispatch. */
  readonly maxComputeWorkgroupsPerDimension: number;
}

/** WebGPU's default limits, which every device has. */
export const DEFAULT_LIMITS: DeviceLimits = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeWorkgroupsPerDimension: 65535,
};

/**
 * A GPU of which nothing is known: to plan without any.
 *
 * @example
 * const { plan } = prepare(graph, { device: ANY_GPU });
 */
export const ANY_GPU: DeviceProfile = {
  family: 'gpu',
  adapter: 'any GPU',
  vendor: '',
  architecture: '',
  subgroupSize: undefined,
  shaderF16: true,
  limits: DEFAULT_LIMITS,
};

/** Software adapters execute on the CPU and want other kernels than GPUs. */
export function kindOf({ family }: Pick<DeviceProfile, 'family'>): DeviceKind {
  return family === 'gpu' ? 'gpu' : 'cpu';
}

/** By what an adapter says of itself; what else computes on the CPU is treated as llvmpipe is. */
export function familyOf(adapter: string, software: boolean): DeviceFamily {
  if (!software) return 'gpu';
  return /swiftshader/i.test(adapter) ? 'swiftshader' : 'llvmpipe';
}

/** The largest buffer that a kernel can bind, in bytes. */
export function largestBuffer({ limits }: Pick<DeviceProfile, 'limits'>): number {
  return Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
}
