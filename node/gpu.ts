/** Finds an adapter for Node: a real GPU, else the system's software Vulkan, else SwiftShader. */
import { tmpdir } from 'node:os';
import { type AdapterFacts, adapterFacts, TilewiseError, UnsupportedError } from '../src/index.ts';
import { checkText } from './check_text.ts';
import { loadLibrary } from './load_library.ts';
import { MissingPackageError } from './missing_package_error.ts';
import { pollPatiently } from './patient_polling.ts';
import { SWIFTSHADER_PACKAGE, takesSwiftShader, useSwiftShader } from './swiftshader.ts';

/** An adapter in Node. Keep it for as long as you use what came of it: see `gpu`. */
export interface NodeGpu {
  /**
   * For `Device.open`. Dawn lives as long as this object is reachable: once it is collected, what uses an adapter or a
   * device of it may end the process. A `Device` that was opened by it keeps it.
   */
  readonly gpu: GPU;
  /**
   * That which was found, for the option `adapter` of `Device.open`. It does not keep `gpu`: keep that yourself, for as
   * long as you use this adapter or a device that you requested of it.
   */
  readonly adapter: GPUAdapter;
  /** What is known of it. */
  readonly facts: AdapterFacts;
  /** `vulkan`, `metal`, `d3d12`, ... where it was chosen by name; Dawn tells no other way. */
  readonly backend: string | undefined;
}

/** An adapter as Dawn lists it. */
interface Listing {
  readonly name: string;
  readonly backend: string;
}

/** What of Dawn's is switched on. */
export interface NodeGpuOptions {
  /** Whether adapters show what WebGPU does not have for all yet, such as subgroup matrices; false by default. */
  readonly experimental?: boolean | undefined;
}

/** A GPU's runs take a few milliseconds, which a timer would lengthen, and Node takes no core from it. */
const EAGER_MS = 4;

/** For every instance: NVIDIA's Linux driver hides f16 without the toggle. */
const DAWN_FEATURES = ['vulkan_enable_f16_on_nvidia'];

/** Off for every instance: rounds GPUs' timestamps to 100 microseconds, to protect pages from each other. */
const DAWN_PROTECTIONS = ['timestamp_quantization'];

/** Dawn shows experimental features with this toggle only. */
const EXPERIMENTAL_FEATURES = ['allow_unsafe_apis'];

const NO_ADAPTER = `WebGPU found no adapter. Any of these gives one:
  a graphics driver with Vulkan 1.1, Metal or Direct3D 12;
  Debian, Ubuntu: apt-get install mesa-vulkan-drivers (24 or newer);
  Linux x86-64, without root: npm install @sparticuz/chromium, whose SwiftShader is used as it is`;

/** What to throw where there is no adapter at all, with how to get one. */
export function noAdapter(): UnsupportedError {
  return new MissingPackageError(NO_ADAPTER, takesSwiftShader() ? [SWIFTSHADER_PACKAGE] : []);
}

/** Where adapters come from, best first. Each points Dawn's next instance at its drivers, if it has any. */
const DRIVERS: readonly (() => Promise<boolean>)[] = [
  useSystemDrivers,
  async () => (await useSwiftShader()) !== undefined,
];

/**
 * Opens the best adapter, or the first whose name contains `wanted`, in any case of letters.
 *
 * @param wanted - Part of an adapter's name; the best adapter by default.
 * @param options - Whether experimental features are shown.
 * @throws UnsupportedError with what there is, or with how to get one where there is nothing.
 * @throws TilewiseError for arguments of another type.
 *
 * @example
 * const { gpu: found, adapter: best } = await openNodeGpu();
 * const opened = await Device.open(found, { adapter: best });
 */
export async function openNodeGpu(wanted?: string, options: NodeGpuOptions = {}): Promise<NodeGpu> {
  if (wanted !== undefined) checkText('openNodeGpu: wanted', wanted);
  checkNodeOptions(options);
  // Whoever lacks this package, too, hears of it first: all else is of no use without it.
  await loadDawn();
  const seen: string[] = [];
  for (const findDrivers of DRIVERS) {
    if (!(await findDrivers())) continue;
    if (wanted === undefined) {
      const best = await open(options);
      if (best) return best;
      continue;
    }
    for (const candidate of await openAll(options)) {
      if (isNamed(candidate, wanted)) return candidate;
      seen.push(`"${candidate.facts.name}"`);
    }
  }
  if (seen.length === 0) throw noAdapter();
  throw new UnsupportedError(
    `no adapter's name contains "${wanted}"; there are ${seen.join(', ')}`,
  );
}

/**
 * Every adapter that can be opened: those of the system, then SwiftShader.
 *
 * @throws UnsupportedError where the package `webgpu` is not installed.
 *
 * @example
 * for (const { facts } of await findAllAdapters()) console.log(facts.name, facts.software);
 */
export async function findAllAdapters(): Promise<readonly NodeGpu[]> {
  await loadDawn();
  const found = new Map<string, NodeGpu>();
  for (const findDrivers of DRIVERS) {
    if (!(await findDrivers())) continue;
    for (const node of await openAll({})) {
      const key = node.facts.name;
      if (!found.has(key)) found.set(key, node);
    }
  }
  return [...found.values()];
}

/** Whether its name contains this text, in any case of letters. */
export function isNamed({ facts }: NodeGpu, text: string): boolean {
  return facts.name.toLowerCase().includes(text.toLowerCase());
}

/** Throws TilewiseError for what any type would refuse: "no" is not false. */
function checkNodeOptions(options: NodeGpuOptions): void {
  if (Object(options) !== options) {
    throw new TilewiseError(`openNodeGpu: options must be an object, got ${String(options)}`);
  }
  const { experimental } = options;
  if (experimental == null || typeof experimental === 'boolean') return;
  const got = typeof experimental;
  throw new TilewiseError(
    `openNodeGpu: options.experimental must be true or false, got ${got}; subgroupMatrices() is for Device.open`,
  );
}

async function useSystemDrivers(): Promise<boolean> {
  // Dawn would say the same, at length, on stderr.
  if (process.platform === 'linux' && !loadLibrary('libvulkan.so.1')) return false;
  // Mesa complains on stderr where this is not set, although it does without.
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  return true;
}

async function openAll(options: NodeGpuOptions): Promise<readonly NodeGpu[]> {
  const opened: NodeGpu[] = [];
  for (const { backend, name } of await listAdapters()) {
    const node = await open(options, { backend, name });
    if (node) opened.push(node);
  }
  return opened;
}

async function open(
  { experimental }: NodeGpuOptions,
  listing?: Listing,
): Promise<NodeGpu | undefined> {
  const { create, globals } = await loadDawn();
  const choice = listing ? [`backend=${listing.backend}`, `adapter=${listing.name}`] : [];
  const features = [...DAWN_FEATURES, ...(experimental ? EXPERIMENTAL_FEATURES : [])];
  const toggles = [
    `enable-dawn-features=${features.join(',')}`,
    `disable-dawn-features=${DAWN_PROTECTIONS.join(',')}`,
  ];
  const gpu = create([...toggles, ...choice]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) return undefined;
  const facts = adapterFacts(adapter);
  if (!facts.software) pollPatiently(globals).eagerFor(EAGER_MS);
  return { gpu, adapter, facts, backend: listing?.backend };
}

/** Dawn offers no list, but names every adapter when it is asked for one that does not exist. */
async function listAdapters(): Promise<readonly Listing[]> {
  const { create } = await loadDawn();
  try {
    await create(['adapter=?']).requestAdapter();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const lines = message.matchAll(/backend: '([^']*)', name: '([^']*)'/g);
    return [...lines].map(([, backend = '', name = '']) => ({ backend, name }));
  }
  return [];
}

async function loadDawn(): Promise<typeof import('webgpu')> {
  try {
    const dawn = await import('webgpu');
    Object.assign(globalThis, dawn.globals);
    pollPatiently(dawn.globals);
    return dawn;
  } catch (cause) {
    throw new MissingPackageError(
      'Node has no WebGPU of its own; install the package "webgpu" (npm install webgpu), which has builds for Linux, macOS and Windows on x64 and arm64',
      ['webgpu'],
      { cause },
    );
  }
}
