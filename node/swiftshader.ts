/**
 * SwiftShader, Google's Vulkan driver for the CPU, from the npm package `@sparticuz/chromium`. That is a
 * development dependency of this project, so a clone has a working adapter on any Linux machine, without
 * root; an installed `tilewise` has it when the user adds that package, an optional peer.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { brotliDecompressSync } from 'node:zlib';
import { setEnvironment } from './environment.ts';
import { loadLibrary } from './load_library.ts';

export const SWIFTSHADER_PACKAGE = '@sparticuz/chromium';
const DRIVER = 'vk_swiftshader_icd.json';
const LOADER = 'libvulkan.so.1';

/** Whether the package has a build for this machine. */
export function takesSwiftShader(): boolean {
  return process.platform === 'linux' && process.arch === 'x64';
}

/**
 * Points Vulkan at SwiftShader, for GPU instances created from now on, and returns the folder of its
 * libraries; `undefined` where the package is not installed or has no build for this machine.
 */
export async function useSwiftShader(): Promise<string | undefined> {
  if (!takesSwiftShader()) return undefined;
  const folder = await unpack();
  if (!folder) return undefined;
  const driver = join(folder, DRIVER);
  await setEnvironment({ VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver });
  // For systems that have none; Dawn asks the linker for it by name.
  loadLibrary(join(folder, LOADER));
  return folder;
}

/** Unpacks the drivers next to the installed packages, once. */
async function unpack(): Promise<string | undefined> {
  const archive = findArchive();
  if (!archive) return undefined;
  const cache = join(archive.modules, '.cache', 'tilewise');
  const folder = join(cache, `swiftshader-${archive.version}`);
  if (existsSync(join(folder, DRIVER))) return folder;
  const { extract } = loadTar(archive.entry);
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, 'unpacking-'));
  await pipeline(Readable.from([brotliDecompressSync(readFileSync(archive.path))]), extract(fresh));
  try {
    renameSync(fresh, folder);
  } catch {
    // Another process was first; its copy is as good.
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** What unpacks the archive comes with its package, and is found from there. */
function loadTar(entry: string): typeof import('tar-fs') {
  return createRequire(entry)('tar-fs') as typeof import('tar-fs');
}

interface Archive {
  /** A file of the package, for finding what it depends on. */
  readonly entry: string;
  readonly path: string;
  readonly version: string;
  readonly modules: string;
}

function findArchive(): Archive | undefined {
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(SWIFTSHADER_PACKAGE);
  } catch {
    return undefined;
  }
  const end = entry.lastIndexOf(join('@sparticuz', 'chromium'));
  const root = join(entry.slice(0, end), '@sparticuz', 'chromium');
  const path = join(root, 'bin', 'swiftshader.tar.br');
  if (!existsSync(path)) return undefined;
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  return { entry, path, version, modules: dirname(dirname(root)) };
}
