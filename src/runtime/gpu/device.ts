import { DeviceLostError, UnsupportedError } from '../errors.ts';
import type { DeviceProfile } from '../operator.ts';
import { PipelineCache } from './pipeline_cache.ts';

/** What is known of the adapter behind a device. */
export interface AdapterFacts {
  /** `NVIDIA H100 (nvidia, hopper)`, `SwiftShader driver 5.0.0 (google, swiftshader)`. */
  readonly name: string;
  /** Whether it computes on the CPU. */
  readonly software: boolean;
  readonly features: readonly string[];
}

export interface OpenDeviceOptions {
  /** Use this adapter in place of the one that `gpu` would give. */
  readonly adapter?: GPUAdapter;
}

/** Used where the adapter has them. */
const WANTED_FEATURES = ['subgroups', 'timestamp-query', 'shader-f16'] as const;

/** Raised to what the adapter allows; all else stays at WebGPU's defaults. */
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** A GPU device with its compiled kernels. Sessions on one device share what they compile. */
export class Device {
  readonly gpu: GPUDevice;
  readonly adapter: AdapterFacts;
  readonly profile: DeviceProfile;
  readonly pipelines: PipelineCache;
  #lost: DeviceLostError | undefined;

  private constructor(gpu: GPUDevice, adapter: AdapterFacts, profile: DeviceProfile) {
    this.gpu = gpu;
    this.adapter = adapter;
    this.profile = profile;
    this.pipelines = new PipelineCache(gpu);
    void gpu.lost.then(({ reason, message }) => {
      this.#lost = new DeviceLostError(
        `the GPU device was lost (${reason || 'unknown reason'}): ${message}; open a new device`,
      );
    });
  }

  /**
   * Opens a device: `navigator.gpu` in a page, `create([])` of the `webgpu` package in Node.
   * Throws UnsupportedError when there is no adapter.
   */
  static async open(gpu: GPU, options: OpenDeviceOptions = {}): Promise<Device> {
    const adapter =
      options.adapter ?? (await gpu.requestAdapter({ powerPreference: 'high-performance' }));
    if (!adapter) {
      throw new UnsupportedError(
        'WebGPU found no adapter; update the browser or graphics driver, or install a software Vulkan driver such as Mesa lavapipe',
      );
    }
    const facts = adapterFacts(adapter);
    const device = await adapter.requestDevice({
      requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
      requiredLimits: Object.fromEntries(WANTED_LIMITS.map((name) => [name, adapter.limits[name]])),
    });
    return new Device(device, facts, deviceProfile(device, adapter.info, facts.software));
  }

  /** Throws DeviceLostError once the device is gone. */
  checkAlive(): void {
    if (this.#lost) throw this.#lost;
  }

  /** Frees the device and everything on it. Twice is harmless. */
  dispose(): void {
    this.gpu.destroy();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Name, kind and features of an adapter, before any device is opened on it. */
export function adapterFacts(adapter: GPUAdapter): AdapterFacts {
  const { description, device, vendor, architecture } = adapter.info;
  const family = [vendor, architecture].filter(Boolean).join(', ');
  const name = [description || device || 'WebGPU adapter', family && `(${family})`];
  return {
    name: name.filter(Boolean).join(' '),
    software: isSoftware(adapter.info),
    features: [...adapter.features].sort(),
  };
}

const SOFTWARE_RENDERERS = /swiftshader|llvmpipe|lavapipe|software|basic render driver|\bwarp\b/i;

function isSoftware(info: GPUAdapterInfo): boolean {
  const { description, device, vendor, architecture } = info;
  return (
    info.isFallbackAdapter ||
    SOFTWARE_RENDERERS.test([description, device, vendor, architecture].join(' '))
  );
}

function deviceProfile(device: GPUDevice, info: GPUAdapterInfo, software: boolean): DeviceProfile {
  const { subgroupMinSize: least, subgroupMaxSize: most } = info;
  const { limits } = device;
  return {
    kind: software ? 'cpu' : 'gpu',
    subgroupSize: device.features.has('subgroups') && least === most ? least : undefined,
    limits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    },
  };
}
