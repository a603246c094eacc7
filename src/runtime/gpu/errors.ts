import { TilewiseError } from '../errors.ts';

/**
 * What a GPU refused, with what was being done at the time.
 *
 * @example
 * const tensor = await GpuTensor.allocate(device, [1, 512, 7, 7]).catch((error: unknown) => {
 *   if (error instanceof GpuError) console.log(error.message); // out of memory, say
 * });
 */
export class GpuError extends TilewiseError {
  /** `GpuError`. */
  override readonly name = 'GpuError';
}

/**
 * Runs `work` under error scopes, so that what the GPU refuses is thrown here, with `what` at the start of the message,
 * and not lost on the console.
 */
export async function guarded<T>(device: GPUDevice, what: string, work: () => T): Promise<T> {
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  const attempt = (): { readonly result: T } | { readonly thrown: unknown } => {
    try {
      return { result: work() };
    } catch (thrown) {
      return { thrown };
    }
  };
  const outcome = attempt();
  const [invalid, outOfMemory] = await Promise.all([
    device.popErrorScope(),
    device.popErrorScope(),
  ]);
  if (outOfMemory) throw new GpuError(`${what}: out of GPU memory; ${outOfMemory.message}`);
  if (invalid) throw new GpuError(`${what}: ${invalid.message}`);
  if ('thrown' in outcome) throw outcome.thrown;
  return outcome.result;
}
