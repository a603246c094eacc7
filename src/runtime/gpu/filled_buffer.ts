/**
 * A buffer with what `fill` writes. Freed where it cannot be mapped or filled: such memory comes back only when garbage
 * is collected, if then.
 */
export function filledBuffer(
  gpu: GPUDevice,
  descriptor: GPUBufferDescriptor,
  fill: (target: ArrayBuffer) => void,
): GPUBuffer {
  const buffer = gpu.createBuffer({ ...descriptor, mappedAtCreation: true });
  try {
    fill(buffer.getMappedRange());
    buffer.unmap();
  } catch (error) {
    buffer.destroy();
    throw error;
  }
  return buffer;
}
