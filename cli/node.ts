/** What Node programs need beside the library: `import { openNodeGpu } from 'tilewise/node'`. */
export { findAllAdapters, type NodeGpu, openNodeGpu } from './gpu.ts';
