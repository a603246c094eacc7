/**
 * Compiles a module, and says how many milliseconds that took, its driver's statistics included. Not by
 * `createComputePipelineAsync`, whose answer waits for what else the process does.
 *
 * @throws Error where it does not compile.
 */
export async function compilePipeline(gpu: GPUDevice, code: string): Promise<number> {
  // What drivers refuse is internal.
  gpu.pushErrorScope('internal');
  gpu.pushErrorScope('validation');
  const start = performance.now();
  const module = gpu.createShaderModule({ code });
  gpu.createComputePipeline({ layout: 'auto', compute: { module } });
  const milliseconds = performance.now() - start;
  const [invalid, refused] = await Promise.all([gpu.popErrorScope(), gpu.popErrorScope()]);
  const error = invalid ?? refused;
  if (error) throw new Error(error.message);
  return milliseconds;
}
