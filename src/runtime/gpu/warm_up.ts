/**
 * Drivers of CPU adapters compile a kernel when it first runs, one after the other, whatever was compiled before:
 * Mesa's llvmpipe takes up to half a second for each. So each pipeline runs once, on nothing, while the host still
 * reads and arranges the weights.
 */
import type { ExecutionPlan } from '../plan/compile.ts';
import type { Device } from './device.ts';
import type { Pipeline } from './pipeline_cache.ts';

/** Bytes of the buffers that stand in: enough for any element type, and for the dimensions of a dispatch. */
const STAND_IN_BYTES = 256;

/** Has the pipelines of a plan compiled to the end, while the caller goes on. Does nothing on GPUs. */
export function warmUp(
  device: Device,
  { dispatches }: ExecutionPlan,
  pipelines: readonly Pipeline[],
): void {
  if (device.profile.kind === 'gpu') return;
  const { gpu } = device;
  const { STORAGE, UNIFORM } = GPUBufferUsage;
  const standIn = (usage: number): GPUBuffer => gpu.createBuffer({ size: STAND_IN_BYTES, usage });
  const buffers = {
    read: standIn(STORAGE),
    read_write: standIn(STORAGE),
    // Zeros: kernels that read their sizes find nothing to do.
    uniform: standIn(UNIFORM),
  };
  const seen = new Set<Pipeline>();
  for (const [i, { bindings }] of dispatches.entries()) {
    const kernel = pipelines[i];
    if (!kernel || seen.has(kernel)) continue;
    seen.add(kernel);
    // A kernel that insists on larger buffers is compiled when it is needed.
    gpu.pushErrorScope('validation');
    const entries = bindings.map(({ slot, access }) => ({
      binding: slot,
      resource: { buffer: buffers[access] },
    }));
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(kernel.pipeline);
    pass.setBindGroup(0, gpu.createBindGroup({ layout: kernel.layout, entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
    gpu.popErrorScope().catch(() => undefined);
  }
  for (const buffer of Object.values(buffers)) buffer.destroy();
}
