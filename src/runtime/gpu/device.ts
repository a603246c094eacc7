import { given } from '../arguments.ts';
import { type DeviceProfile, familyOf } from '../device_profile.ts';
import { DeviceLostError, UnsupportedError } from '../errors.ts';
import { PipelineCache } from './pipeline_cache.ts';

/** What is known of the adapter behind a device. */
export interface AdapterFacts {
  /** `NVIDIA H100 (nvidia, hopper)`, `SwiftShader driver 5.0.0 (google, swiftshader)`. */
  readonly name: string;
  /** All that distinguishes this adapter and driver from others, and the browser. */
  readonly identity: string;
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
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** What is replaced when a lost device is opened again. */
interface Connection {
  readonly gpu: GPUDevice;
  readonly adapter: AdapterFacts;
  readonly profile: DeviceProfile;
  readonly pipelines: PipelineCache;
}

/**
 * A GPU device with its compiled kernels. Sessions on one device share what they compile. When the device is
 * lost (a driver reset, a timeout), what is in flight is rejected with DeviceLostError, and `restore` opens
 * another in its place; sessions do so by themselves at their next run.
 */
export class Device {
  readonly #source: GPU;
  #connection: Connection;
  #generation = 0;
  #lost: DeviceLostError | undefined;
  #restoring: Promise<void> | undefined;
  #disposed = false;

  private constructor(source: GPU, connection: Connection) {
    this.#source = source;
    this.#connection = connection;
    this.#watch();
  }

  /**
   * Opens a device: `navigator.gpu` in a page, `create([])` of the `webgpu` package in Node.
   * Throws UnsupportedError when there is no adapter.
   */
  static async open(gpu: GPU, options: OpenDeviceOptions = {}): Promise<Device> {
    return new Device(gpu, await connect(options.adapter ?? (await requestAdapter(gpu))));
  }

  get gpu(): GPUDevice {
    return this.#connection.gpu;
  }

  get adapter(): AdapterFacts {
    return this.#connection.adapter;
  }

  get profile(): DeviceProfile {
    return this.#connection.profile;
  }

  get pipelines(): PipelineCache {
    return this.#connection.pipelines;
  }

  /** Grows with every `restore`: GPU objects made under another number are gone. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether the device is gone, and has not been restored yet. */
  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Throws DeviceLostError while the device is gone. */
  checkAlive(): void {
    if (this.#lost) throw this.#lost;
  }

  /** Opens another device if this one is lost. Throws DeviceLostError after `dispose`. */
  async restore(): Promise<void> {
    if (!this.#lost) return;
    if (this.#disposed) throw this.#lost;
    this.#restoring ??= this.#reconnect().finally(() => {
      this.#restoring = undefined;
    });
    await this.#restoring;
  }

  /** Frees the device and everything on it. Twice is harmless. */
  dispose(): void {
    this.#disposed = true;
    this.gpu.destroy();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #reconnect(): Promise<void> {
    this.#connection = await connect(await requestAdapter(this.#source));
    this.#lost = undefined;
    this.#generation++;
    this.#watch();
  }

  #watch(): void {
    void this.gpu.lost.then(({ reason, message }) => {
      const remedy = this.#disposed ? 'open a new device' : 'run again, which opens it anew';
      this.#lost = new DeviceLostError(
        `the GPU device was lost (${reason || 'unknown reason'}): ${message}; ${remedy}`,
      );
    });
  }
}

async function requestAdapter(gpu: GPU): Promise<GPUAdapter> {
  const adapter = await gpu?.requestAdapter?.({ powerPreference: 'high-performance' });
  if (adapter) return adapter;
  throw new UnsupportedError(
    `WebGPU found no adapter in ${given(gpu)}; update the browser or graphics driver, or install a software Vulkan driver such as Mesa lavapipe`,
  );
}

async function connect(adapter: GPUAdapter): Promise<Connection> {
  const facts = adapterFacts(adapter);
  const gpu = await adapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: limitsOf(adapter),
  });
  return {
    gpu,
    adapter: facts,
    profile: deviceProfile(gpu, adapter.info, facts),
    pipelines: new PipelineCache(gpu),
  };
}

type Limits = Readonly<Record<(typeof WANTED_LIMITS)[number], number>>;

function limitsOf({ limits }: GPUAdapter | GPUDevice): Limits {
  return Object.fromEntries(WANTED_LIMITS.map((name) => [name, limits[name]])) as Limits;
}

/** Name, kind and features of an adapter, before any device is opened on it. */
export function adapterFacts(adapter: GPUAdapter): AdapterFacts {
  const { description, device, vendor, architecture } = adapter.info;
  const family = [vendor, architecture].filter(Boolean).join(', ');
  const name = [description || device || 'WebGPU adapter', family && `(${family})`];
  return {
    name: name.filter(Boolean).join(' '),
    identity: [description, device, vendor, architecture, userAgent()].filter(Boolean).join(', '),
    software: isSoftware(adapter.info),
    features: [...adapter.features].sort(),
  };
}

/** Browsers hide drivers' versions, and compile kernels in their own way; in Node, drivers give their versions. */
function userAgent(): string {
  return globalThis.navigator?.userAgent ?? '';
}

const SOFTWARE_RENDERERS = /swiftshader|llvmpipe|lavapipe|software|basic render driver|\bwarp\b/i;

function isSoftware(info: GPUAdapterInfo): boolean {
  const { description, device, vendor, architecture } = info;
  return (
    info.isFallbackAdapter ||
    SOFTWARE_RENDERERS.test([description, device, vendor, architecture].join(' '))
  );
}

function deviceProfile(
  device: GPUDevice,
  info: GPUAdapterInfo,
  { name, software }: AdapterFacts,
): DeviceProfile {
  const { subgroupMinSize: least, subgroupMaxSize: most } = info;
  return {
    family: familyOf(name, software),
    adapter: name,
    vendor: info.vendor,
    architecture: info.architecture,
    subgroupSize: device.features.has('subgroups') && least === most ? least : undefined,
    shaderF16: device.features.has('shader-f16'),
    limits: limitsOf(device),
  };
}
