import type * as ort from 'onnxruntime-common';
import type { Contender, Workload } from '../contender.ts';

/** onnxruntime, in Node or in a page: the two packages share one interface. */
export function onnxruntime(
  { onnx, shape }: Workload,
  { InferenceSession, Tensor }: Pick<typeof ort, 'InferenceSession' | 'Tensor'>,
  executionProvider: 'webgpu' | 'wasm' | 'cpu',
): Contender {
  let session: ort.InferenceSession | undefined;
  return {
    async load() {
      session = await InferenceSession.create(onnx, { executionProviders: [executionProvider] });
    },
    async run(pixels) {
      const [input = '', output = ''] = [session?.inputNames[0], session?.outputNames[0]];
      const outputs = await session?.run({ [input]: new Tensor('float32', pixels, shape) });
      const logits = await outputs?.[output]?.getData();
      if (!(logits instanceof Float32Array)) throw new Error('the model gave no floats');
      return logits;
    },
  };
}
