/** Weights that are stored as integers. */
import { elementCount, formatShape, shapesEqual } from '../../runtime/tensor.ts';
import { computed } from '../computed.ts';
import { demand } from '../errors.ts';
import { quantizationOf, scaleOf } from '../quantization.ts';
import type { Evaluators } from './evaluator.ts';

export const weights: Evaluators = {
  /** (q - zero point) * scale; of one scale, one for each channel, or one for each block along an axis. */
  DequantizeLinear(call) {
    const x = call.known(0);
    const scale = call.known(1);
    const zero = call.inputs[2] && call.known(2);
    const placeOf = scaleOf(x.shape, scale.shape, quantizationOf(call));
    // onnxruntime's quantiser writes one for all as [] beside [1].
    const one = elementCount(scale.shape) === 1 && zero && elementCount(zero.shape) === 1;
    demand(
      !zero || one || shapesEqual(zero.shape, scale.shape),
      `zero points are not of the scales' shape ${formatShape(scale.shape)}`,
    );
    const sources = [x, scale, ...(zero ? [zero] : [])];
    const made = computed(x.shape, scale.type, sources, (q, scales, zeros) => {
      const result = new Float32Array(elementCount(x.shape));
      for (let i = 0; i < result.length; i++) {
        const at = placeOf(i);
        result[i] = ((q[i] ?? 0) - (zeros?.[at] ?? 0)) * (scales[at] ?? 0);
      }
      return result;
    });
    // It is no more than the file has: weights are not counted among what is computed.
    return { ...made, work: x.work ?? 0 };
  },
};
