/** linear_gemm: a fully connected layer as a 1x1 convolution, each image a pixel. For larger batches. */
import type { Conv2dGeometry } from '../../../shaders/lib/conv2d_geometry.ts';
import type { LinearGeometry } from '../../../shaders/linear.wgsl.ts';
import type { Epilogue, KernelDef } from '../../runtime/operator.ts';
import { gemmFor } from '../conv2d_kernels/gemm_kernel.ts';
import { repackConstants } from '../conv2d_kernels/lower_tiles.ts';
import { geometryOf } from '../linear_geometry.ts';

/** Images of one pixel, whose channels are the features. */
function convolution(g: LinearGeometry): Conv2dGeometry {
  const yStrides = { image: g.outputs, channel: 1 };
  return {
    batch: g.batch,
    inputChannels: g.inputs,
    inputHeight: 1,
    inputWidth: 1,
    outputChannels: g.outputs,
    outputHeight: 1,
    outputWidth: 1,
    groups: 1,
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    padding: { top: 0, left: 0 },
    padded: false,
    bias: g.bias,
    residual: false,
    activation: g.activation,
    xStrides: { image: g.inputs, channel: 1 },
    yStrides,
    residualStrides: yStrides,
    types: { ...g.types, residual: g.types.x },
  };
}

export const gemm: KernelDef<Epilogue> = {
  name: 'linear_gemm',
  supports: () => true,
  configs: (node, device) => gemmFor(device).configs(convolution(geometryOf(node)), device),
  lower(node, config, device) {
    const g = convolution(geometryOf(node));
    const { dispatch, padding } = gemmFor(device).lower(g, config, device);
    return { dispatches: [dispatch], repack: repackConstants(g, padding) };
  },
};
