import { loadOnnx } from '../../../src/onnx/index.ts';
import { tfliteToOnnx } from '../../../src/tflite/index.ts';
import { tilewise } from '../contenders/tilewise.ts';
import { serve } from './harness.ts';

serve((workload) => {
  const { model, onnx, tflite } = workload;
  const read = () =>
    loadOnnx(model.endsWith('.tflite') && tflite ? tfliteToOnnx(tflite, model) : onnx);
  return tilewise(workload, read, async () => ({ gpu: navigator.gpu }));
});
