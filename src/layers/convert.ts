/** Another way to store the same values: at the edges of a network that is stored in f16. */
import { CONVERT_THREADS, convert as shader } from '../../shaders/convert.wgsl.ts';
import type { Node } from '../runtime/graph.ts';
import {
  type ConvertAttributes,
  inputShape,
  type OpDef,
  requireData,
} from '../runtime/operator.ts';
import { storedElements, tensorDesc } from '../runtime/tensor.ts';
import { roundToFloat16 } from '../runtime/weights/float_formats.ts';
import { elementTypesOf } from './element_types.ts';
import { pointwiseKernel } from './pointwise.ts';

export const convertOp: OpDef<ConvertAttributes> = {
  name: 'convert',
  inferShape: (call) => ({ ...tensorDesc(inputShape(call, 'x')), dtype: call.attributes.dtype }),
  reference(node, inputs) {
    const x = requireData(node, inputs, 'x');
    if (node.attributes.dtype === 'f32') return x;
    return Float64Array.from(roundToFloat16(Float32Array.from(x)));
  },
  multiplyAdds: () => 0,
  kernels: [
    pointwiseKernel('convert', (node: Node<ConvertAttributes>) => {
      // Both tensors are laid out alike, and padding is converted with the rest.
      const count = storedElements(node.output.desc);
      return {
        source: (grid) => shader(count, elementTypesOf(node, 'x'), grid),
        tiles: Math.ceil(count / CONVERT_THREADS),
        reads: ['x'],
      };
    }),
  ],
};
