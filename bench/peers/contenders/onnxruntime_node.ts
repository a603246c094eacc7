import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Contender, Workload } from '../contender.ts';

/** onnxruntime in Node. */
export function onnxruntimeNode(
  { onnx, shape }: Workload,
  executionProvider: 'webgpu' | 'cpu',
): Contender {
  let session: InferenceSession;
  return {
    async load() {
      session = await InferenceSession.create(onnx, { executionProviders: [executionProvider] });
    },
    async run(pixels) {
      const outputs = await session.run({ input: new Tensor('float32', pixels, shape) });
      const data = outputs.logits?.data;
      if (!(data instanceof Float32Array)) throw new Error('the model has no logits');
      return data;
    },
  };
}
