/// <reference path="../globals.d.ts" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * NumPy's files in and out: `import { readNpy, readNpz } from 'tilewise/numpy'`. An entry of its own, so that a page
 * that reads no arrays downloads nothing of it.
 *
 * @module tilewise/numpy
 */
export { type NumpyArray, NumpyError } from './array.ts';
export { readNpy, writeNpy } from './npy.ts';
export { readNpz, writeNpz } from './npz.ts';
