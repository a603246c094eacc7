import { constants } from 'node:os';

/** glibc's RTLD_NODELETE, which Node does not name: the library stays when Node closes it. */
const KEEP_LOADED = 0x1000;

/**
 * Loads a native library for good, by path or by name, and says whether that worked. Libraries that are
 * opened later by the same name, by Dawn for instance, get this one: glibc knows loaded libraries by name.
 */
export function loadLibrary(library: string): boolean {
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    process.dlopen({ exports: {} }, library, RTLD_NOW | RTLD_GLOBAL | KEEP_LOADED);
    return true;
  } catch (error) {
    // Node takes every library for an addon: one that loads, but is none, is refused after loading.
    return error instanceof Error && error.message.includes('did not self-register');
  }
}
