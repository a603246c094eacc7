/** linear_gemm: a fully connected layer as a 1x1 convolution, each image a pixel. For larger batches. */
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import type { LinearProblem } from '../../../shaders/linear.wgsl.ts';
import { kindOf } from '../../runtime/device_profile.ts';
import { type Kernel, kernel } from '../../runtime/kernel.ts';
import { type Conv2dGemm, repackConstants } from '../conv2d_kernels/lower_tiles.ts';

/** Images of one pixel, whose channels are the features. */
function convolution({
  batch,
  inputs,
  outputs,
  bias,
  epilogue,
  xStrides,
  yStrides,
  types,
}: LinearProblem): Conv2dProblem {
  return {
    batch,
    inputChannels: inputs,
    inputHeight: 1,
    inputWidth: 1,
    outputChannels: outputs,
    outputHeight: 1,
    outputWidth: 1,
    groups: 1,
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    padding: { top: 0, left: 0 },
    padded: false,
    bias,
    epilogue,
    xStrides,
    yStrides,
    columns: false,
    types,
  };
}

export function gemmOn<C extends object>(inside: Conv2dGemm<C>): Kernel<LinearProblem> {
  return kernel<LinearProblem, C, string>({
    name: 'linear_gemm',
    supports: (_, device) => kindOf(device) === inside.inside,
    configs: (problem, device) => inside.configs(convolution(problem), device),
    lower(problem, config, device) {
      const g = convolution(problem);
      const { dispatch, padding } = inside.lower(g, config, device);
      return { dispatches: [dispatch], repack: repackConstants(g, padding) };
    },
  });
}
