import type { ModelDef } from '../../src/index.ts';

const TFLITE = /\.tflite([?#]|$)/i;
const ONNX = /\.onnx([?#]|$)/i;

/** Whether a file holds a network, and not only weights. */
export function isModelFile(name: string): boolean {
  return ONNX.test(name) || TFLITE.test(name);
}

/** A network of a file. Its readers, of use to few, are larger than the rest of the worker: they come when needed. */
export async function openModelFile(
  bytes: Uint8Array,
  name: string,
): Promise<ModelDef & Required<Pick<ModelDef, 'weights'>>> {
  const { onnxModel } = await import('../../src/onnx/index.ts');
  if (!TFLITE.test(name)) return onnxModel(bytes, { name });
  const { tfliteToOnnx } = await import('../../src/tflite/index.ts');
  return onnxModel(tfliteToOnnx(bytes, name), { name });
}
