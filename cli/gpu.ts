/** Finds an adapter for Node: a real GPU, else the system's software Vulkan, else SwiftShader. */
import { tmpdir } from 'node:os';
import { type AdapterFacts, adapterFacts, UnsupportedError } from '../src/index.ts';
import { useSwiftShader } from './swiftshader.ts';

/** An adapter as Dawn lists it. */
export interface AdapterListing {
  readonly name: string;
  readonly backend: string;
}

/** A GPU for Node. Dawn works as long as this object is reachable; when it is collected, the process may end. */
export interface NodeGpu {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  readonly facts: AdapterFacts;
  readonly listing: AdapterListing;
}

/** Dawn options for every instance; NVIDIA's Linux driver hides f16 without the toggle. */
const DAWN_OPTIONS = ['enable-dawn-features=vulkan_enable_f16_on_nvidia'];

export const NO_ADAPTER = `WebGPU found no adapter. Any of these gives one:
  a graphics driver with Vulkan 1.1, Metal or Direct3D 12;
  Debian, Ubuntu: apt-get install mesa-vulkan-drivers (24 or newer);
  Linux x86-64, without root: npm install @sparticuz/chromium tar-fs, whose SwiftShader is used as it is`;

/**
 * Opens the best adapter, or the first whose name contains `wanted`, in any case of letters. Throws
 * UnsupportedError with what there is, or with how to get one where there is nothing.
 */
export async function openNodeGpu(wanted?: string): Promise<NodeGpu> {
  const seen: AdapterListing[] = [];
  for (const findDrivers of DRIVERS) {
    if (!(await findDrivers())) continue;
    const listings = await listAdapters();
    seen.push(...listings);
    const listing = listings.find(({ name }) => matches(name, wanted));
    const opened = listing && (await openListing(listing));
    if (opened) return opened;
  }
  if (wanted === undefined || seen.length === 0) throw new UnsupportedError(NO_ADAPTER);
  throw new UnsupportedError(
    `no adapter's name contains "${wanted}"; there are ${seen.map(({ name }) => `"${name}"`).join(', ')}`,
  );
}

/** Every adapter that can be opened: those of the system, then SwiftShader. */
export async function findAllAdapters(): Promise<readonly NodeGpu[]> {
  const found: NodeGpu[] = [];
  for (const findDrivers of DRIVERS) {
    if (!(await findDrivers())) continue;
    for (const listing of await listAdapters()) {
      const known = found.some((other) => other.listing.name === listing.name);
      const opened = known ? undefined : await openListing(listing);
      if (opened) found.push(opened);
    }
  }
  return found;
}

/** Where adapters come from, best first. Each points Dawn's next instance at its drivers, if it has any. */
const DRIVERS: readonly (() => Promise<string | undefined>)[] = [
  async () => {
    // Mesa complains on stderr where this is not set, although it does without.
    process.env.XDG_RUNTIME_DIR ??= tmpdir();
    return 'system';
  },
  useSwiftShader,
];

function matches(name: string, wanted: string | undefined): boolean {
  return wanted === undefined || name.toLowerCase().includes(wanted.toLowerCase());
}

/** Dawn offers no list, but names every adapter when it is asked for one that does not exist. */
async function listAdapters(): Promise<readonly AdapterListing[]> {
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

async function openListing(listing: AdapterListing): Promise<NodeGpu | undefined> {
  const { create } = await loadDawn();
  const gpu = create([...DAWN_OPTIONS, `backend=${listing.backend}`, `adapter=${listing.name}`]);
  const adapter = await gpu.requestAdapter();
  return adapter ? { gpu, adapter, facts: adapterFacts(adapter), listing } : undefined;
}

async function loadDawn(): Promise<typeof import('webgpu')> {
  try {
    const dawn = await import('webgpu');
    Object.assign(globalThis, dawn.globals);
    return dawn;
  } catch (cause) {
    throw new UnsupportedError(
      'Node has no WebGPU of its own; install the package "webgpu" (npm install webgpu), which has builds for Linux, macOS and Windows on x64 and arm64',
      { cause },
    );
  }
}
