import { checkArgument } from '../arguments.ts';
import type { DeviceProfile } from '../device_profile.ts';
import { UnsupportedError } from '../errors.ts';
import type { DType } from '../tensor.ts';

/** Throws UnsupportedError, which names the missing feature, where the device cannot store tensors so. */
export function checkPrecision(precision: DType, { adapter, shaderF16 }: DeviceProfile): void {
  if (precision === 'f32') return;
  checkArgument(precision === 'f16', 'precision', 'f32 or f16', precision, UnsupportedError);
  if (shaderF16) return;
  throw new UnsupportedError(
    `precision f16 needs the WebGPU feature shader-f16, which the adapter "${adapter}" lacks; use precision f32`,
  );
}
