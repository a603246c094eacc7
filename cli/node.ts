/** What Node programs need beside the library: `import { openNodeGpu } from 'tilewise/node'`. */
export { type AdapterListing, findAllAdapters, type NodeGpu, openNodeGpu } from './gpu.ts';
