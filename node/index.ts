/// <reference path="../src/globals.d.ts" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * What Node programs need beside the library: `import { fileTuningStore, openNodeGpu } from 'tilewise/node'`.
 *
 * @module tilewise/node
 */
export { findAllAdapters, type NodeGpu, type NodeGpuOptions, openNodeGpu } from './gpu.ts';
export { type FileTuningStore, fileTuningStore, type KeptTuning } from './tuning_file.ts';
