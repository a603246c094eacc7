/**
 * Drivers of CPU adapters compile a kernel when it first runs, one after the other, whatever was compiled before:
 * Mesa's llvmpipe takes up to half a second for each. So each pipeline runs once, on nothing, while others are made
 * and the host reads and arranges the weights.
 */
import { kindOf } from '../device_profile.ts';
import type { Opening } from './device.ts';
import type { BindingSlot, Pipeline } from './pipeline_cache.ts';

/** Bytes of the buffers that stand in: enough for any element type, and for the dimensions of a dispatch. */
const STAND_IN_BYTES = 256;

/** Makes the driver compile a pipeline completely, while the caller continues. Does nothing on GPUs. */
export function warmUp(
  { gpu, profile }: Pick<Opening, 'gpu' | 'profile'>,
  { pipeline, layout }: Pipeline,
  bindings: readonly BindingSlot[],
): void {
  if (kindOf(profile) === 'gpu') return;
  const { STORAGE, UNIFORM } = GPUBufferUsage;
  const standIn = (usage: number): GPUBuffer => gpu.createBuffer({ size: STAND_IN_BYTES, usage });
  const buffers = {
    read: standIn(STORAGE),
    read_write: standIn(STORAGE),
    // Zeros: kernels that read their sizes find nothing to do.
    uniform: standIn(UNIFORM),
  };
  // A kernel that requires larger buffers is compiled when it is needed.
  gpu.pushErrorScope('validation');
  const entries = bindings.map(({ slot, access }) => ({
    binding: slot,
    resource: { buffer: buffers[access] },
  }));
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, gpu.createBindGroup({ layout, entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  gpu.queue.submit([encoder.finish()]);
  gpu.popErrorScope().catch(() => undefined);
  for (const buffer of Object.values(buffers)) buffer.destroy();
}
