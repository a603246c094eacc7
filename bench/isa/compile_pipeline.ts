/**
 * Compiles a module, and says how many milliseconds that took, its driver's statistics included. Not by
 * `createComputePipelineAsync`, whose answer waits for what else the process does.
 *
 * @throws Error where it does not compile.
 */
export async function compilePipeline(gpu: GPUDevice, code: string): Promise<number> {
  gpu.pushErrorScope('validation');
  const start = performance.now();
  const module = gpu.createShaderModule({ code });
  gpu.createComputePipeline({ layout: 'auto', compute: { module } });
  const milliseconds = performance.now() - start;
  const error = await gpu.popErrorScope();
  if (error) throw new Error(error.message);
  return milliseconds;
}
