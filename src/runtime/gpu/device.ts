import { checkArgument, checkOption, checkOptions, checkWork, given } from '../arguments.ts';
import { type DeviceProfile, familyOf } from '../device_profile.ts';
import { DeviceLostError, UnsupportedError } from '../errors.ts';
import type { Experiment } from '../experiment.ts';
import { checkKinds } from '../kinds.ts';
import { PipelineCache } from './pipeline_cache.ts';

/** What is known of the adapter behind a device. */
export interface AdapterFacts {
  /** `NVIDIA H100 (nvidia, hopper)`, `SwiftShader driver 5.0.0 (google, swiftshader)`. */
  readonly name: string;
  /** All that distinguishes this adapter and driver from others, and the browser. */
  readonly identity: string;
  /** Whether it computes on the CPU. */
  readonly software: boolean;
  /** Those of WebGPU that it has, such as `shader-f16`. */
  readonly features: readonly string[];
}

/** Which adapter `Device.open` opens. */
export interface OpenDeviceOptions {
  /** Use this adapter in place of the one that `gpu` would give. */
  readonly adapter?: GPUAdapter;
  /** What is not for all yet, such as `subgroupMatrices()`. */
  readonly experimental?: Experiment | undefined;
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

/** A device as it was opened once. What is made on it is gone when it is lost. */
export interface Opening {
  /** WebGPU's device. */
  readonly gpu: GPUDevice;
  /** What is known of its adapter. */
  readonly adapter: AdapterFacts;
  /** What plans need to know of it. */
  readonly profile: DeviceProfile;
  /** Its compiled kernels. */
  readonly pipelines: PipelineCache;
  /** Set when it is lost, and for ever. */
  lost: DeviceLostError | undefined;
}

/**
 * A GPU device with its compiled kernels. Sessions on one device share what they compile. When the device is lost (a
 * driver reset, a timeout), what is in flight is rejected with DeviceLostError, and whatever is called next opens
 * another in its place: see `use`.
 *
 * @example
 * const opened = await Device.open(navigator.gpu);
 * console.log(opened.adapter.name);
 */
export class Device {
  /** Gives another device after a loss; none where the caller's was adopted. */
  readonly #source: GPU | undefined;
  #opening: Opening;
  #restoring: Promise<void> | undefined;
  #disposed = false;

  private constructor(source: GPU | undefined, opening: Opening) {
    this.#source = source;
    this.#opening = opening;
  }

  /**
   * Opens a device: `navigator.gpu` in a page, `create([])` of the `webgpu` package in Node.
   *
   * @param gpu - WebGPU's entry.
   * @param options - An adapter, where it is not to be the one that `gpu` prefers.
   * @throws UnsupportedError when there is none, or no adapter; `isSupported` says why, and what to do.
   *
   * @example
   * const opened = await Device.open(navigator.gpu);
   */
  static async open(gpu: GPU, options: OpenDeviceOptions = {}): Promise<Device> {
    checkOptions('Device.open', options);
    const { adapter, experimental } = options;
    checkOption('Device.open: adapter', adapter, 'limits', 'a GPUAdapter');
    checkOption('Device.open: experimental', experimental, 'offer', 'an Experiment');
    return new Device(gpu, await connect(adapter ?? (await requestAdapter(gpu)), experimental));
  }

  /**
   * Adopts a device that the application has, to share buffers and command encoders with it: see `GpuTensor`. It is
   * never destroyed; when it is lost, so is everything made on it. Ask the adapter for it by
   * `deviceDescriptor(adapter)`: without `shader-f16`, `subgroups` and `timestamp-query`, and with WebGPU's default
   * limits, it runs what those allow.
   *
   * @param gpu - The application's device.
   * @param options - What is experimental; the device was then asked for by its `descriptor`.
   * @throws TilewiseError for options of another type.
   * @throws UnsupportedError for what is no device, or one of a browser that does not tell its adapter.
   *
   * @example
   * const gpu = await adapter.requestDevice(deviceDescriptor(adapter));
   * const shared = await createSession(Device.from(gpu), graph, { weights });
   */
  static from(gpu: GPUDevice, options: Pick<OpenDeviceOptions, 'experimental'> = {}): Device {
    checkOptions('Device.from', options);
    const { experimental } = options;
    checkOption('Device.from: experimental', experimental, 'profile', 'an Experiment');
    const expected = 'a GPUDevice with its adapterInfo (update the browser)';
    checkArgument(gpu?.adapterInfo, 'Device.from: gpu', expected, gpu, UnsupportedError);
    const { adapterInfo: info, features } = gpu;
    return new Device(undefined, openingOf(gpu, info, features, 'adopt another', experimental));
  }

  /** Another one after every loss. */
  get gpu(): GPUDevice {
    return this.#opening.gpu;
  }

  /** What is known of the adapter. */
  get adapter(): AdapterFacts {
    return this.#opening.adapter;
  }

  /** What plans need to know of the device, as plain data. */
  get profile(): DeviceProfile {
    return this.#opening.profile;
  }

  /** Kernels that were compiled on it. */
  get pipelines(): PipelineCache {
    return this.#opening.pipelines;
  }

  /** Whether the device is gone, and has not been restored yet. */
  get lost(): boolean {
    return this.#opening.lost !== undefined;
  }

  /**
   * Does work on the device as it is open now; all that touches the GPU goes through here. A lost device is opened anew
   * first. Whatever the work fails by when the device is lost meanwhile, it is rejected with the DeviceLostError of
   * that loss. Objects of another opening are not to be used: whoever keeps objects keeps their `Opening`, and
   * compares.
   *
   * @param work - Is given what is open now.
   * @throws DeviceLostError where the device cannot be opened, and after `dispose`.
   *
   * @example
   * const samples = await device.use(async ({ gpu }) => gpu.limits.maxBufferSize);
   */
  async use<T>(work: (opening: Opening) => Promise<T>): Promise<T> {
    checkWork(work);
    await this.restore();
    const opening = this.#opening;
    try {
      return await work(opening);
    } catch (error) {
      // The loss is announced in a task of its own, perhaps after what fails by it.
      await new Promise((resolve) => setTimeout(resolve));
      throw opening.lost ?? error;
    }
  }

  /**
   * Opens another device if this one is lost.
   *
   * @throws DeviceLostError where that fails, and after `dispose`.
   *
   * @example
   * await device.restore(); // nothing, unless it was lost
   */
  async restore(): Promise<void> {
    const { lost } = this.#opening;
    if (!lost) return;
    if (this.#disposed || !this.#source) throw lost;
    this.#restoring ??= this.#reopen().finally(() => {
      this.#restoring = undefined;
    });
    await this.#restoring;
  }

  /**
   * Frees the device and everything on it, but for a device that was adopted. Twice is harmless.
   *
   * @example
   * const opened = await Device.open(navigator.gpu);
   * const done = () => opened.dispose();
   */
  dispose(): void {
    this.#disposed = true;
    this.#opening.lost ??= new DeviceLostError('the GPU device was disposed; use another');
    if (this.#source) this.gpu.destroy();
  }

  /** What `using` calls: `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  async #reopen(): Promise<void> {
    try {
      const adapter = await requestAdapter(this.#source);
      this.#opening = await connect(adapter, this.profile.experimental);
    } catch (cause) {
      throw new DeviceLostError(`the lost GPU device cannot be opened anew: ${cause}`, { cause });
    }
    if (!this.#disposed) return;
    this.dispose();
    throw this.#opening.lost;
  }
}

async function requestAdapter(gpu: GPU | undefined): Promise<GPUAdapter> {
  const adapter = await gpu?.requestAdapter?.({ powerPreference: 'high-performance' });
  if (adapter) return adapter;
  throw new UnsupportedError(
    `Device.open expects a GPU with an adapter, got ${given(gpu)}; isSupported() tells why`,
  );
}

async function connect(adapter: GPUAdapter, experimental?: Experiment): Promise<Opening> {
  const plain = deviceDescriptor(adapter);
  const gpu = await adapter.requestDevice(experimental?.descriptor(adapter, plain) ?? plain);
  return openingOf(gpu, adapter.info, adapter.features, 'try again', experimental);
}

/** What to ask an adapter for: the features and limits that kernels use, where it has them. */
export function deviceDescriptor(adapter: GPUAdapter): GPUDeviceDescriptor {
  return {
    requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: limitsOf(adapter),
  };
}

function openingOf(
  gpu: GPUDevice,
  info: GPUAdapterInfo,
  features: Iterable<string>,
  remedy: string,
  experimental?: Experiment,
): Opening {
  const facts = factsOf(info, features);
  const opening: Opening = {
    gpu,
    adapter: facts,
    profile: { ...deviceProfile(gpu, info, facts), ...experimental?.profile(info, features) },
    pipelines: new PipelineCache(gpu),
    lost: undefined,
  };
  void gpu.lost.then(({ reason, message }) => {
    opening.lost ??= new DeviceLostError(
      `the GPU device was lost (${reason || 'unknown reason'}): ${message}; ${remedy}`,
    );
  });
  return opening;
}

type Limits = Readonly<Record<(typeof WANTED_LIMITS)[number], number>>;

function limitsOf({ limits }: GPUAdapter | GPUDevice): Limits {
  return Object.fromEntries(WANTED_LIMITS.map((name) => [name, limits[name]])) as Limits;
}

/**
 * Name, kind and features of an adapter, before any device is opened on it.
 *
 * @param adapter - Any.
 * @throws TilewiseError for what is no adapter.
 *
 * @example
 * if (adapterFacts(adapter).software) console.warn('this adapter computes on the CPU');
 */
export function adapterFacts(adapter: GPUAdapter): AdapterFacts {
  checkKinds('adapterFacts', { adapter });
  return factsOf(adapter.info, adapter.features);
}

function factsOf(info: GPUAdapterInfo, features: Iterable<string>): AdapterFacts {
  const { description, device, vendor, architecture } = info;
  const family = [vendor, architecture].filter(Boolean).join(', ');
  const all = [description, device, vendor, architecture];
  const software = info.isFallbackAdapter || SOFTWARE_RENDERERS.test(all.join(' '));
  // NVIDIA's driver describes only itself; where the device is a number, nobody knows it by that.
  const model = !software && /[g-z]/.test(device) && device;
  const known = [model, description].filter(Boolean).join(': ') || device || 'WebGPU adapter';
  const name = [known, family && `(${family})`];
  return {
    name: name.filter(Boolean).join(' '),
    identity: [...all, userAgent()].filter(Boolean).join(', '),
    software,
    features: [...features].sort(),
  };
}

/** Browsers hide drivers' versions, and compile kernels in their own way; in Node, drivers give their versions. */
function userAgent(): string {
  return globalThis.navigator?.userAgent ?? '';
}

const SOFTWARE_RENDERERS = /swiftshader|llvmpipe|lavapipe|software|basic render driver|\bwarp\b/i;

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
