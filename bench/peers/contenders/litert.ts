import { type CompiledModel, loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
import type { Contender, Workload } from '../contender.ts';

/** LiteRT.js, which reads .tflite files only. */
export function litert(
  { tflite = new Uint8Array(), shape }: Workload,
  accelerator: 'webgpu' | 'wasm',
): Contender {
  let model: CompiledModel | undefined;
  return {
    async load() {
      await loadLiteRt('/litert/');
      model = await loadAndCompile(tflite, { accelerator });
    },
    async run(pixels) {
      const input = new Tensor(pixels, [...shape]);
      const outputs = (await model?.run([input])) ?? [];
      const [output] = outputs;
      const values = await output?.data();
      input.delete();
      for (const one of outputs) one.delete();
      if (!(values instanceof Float32Array)) throw new Error('the model gave no floats');
      return values.slice();
    },
  };
}
