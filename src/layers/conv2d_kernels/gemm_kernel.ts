/** A convolution in one dispatch. */
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import { type Kernel, kernel } from '../../runtime/kernel.ts';
import { directGemm } from './direct.ts';
import { type Conv2dGemm, repackConstants } from './lower_tiles.ts';
import { tiledGemm } from './tiled.ts';

export function gemmKernel<C extends object>(
  name: string,
  gemm: Conv2dGemm<C>,
): Kernel<Conv2dProblem> {
  const { inside, configs, cost } = gemm;
  return kernel<Conv2dProblem, C, string>({
    ...{ name, prefers: inside, configs, cost },
    lower(g, config, device) {
      const { dispatch, padding } = gemm.lower(g, config, device);
      return { dispatches: [dispatch], repack: repackConstants(g, padding) };
    },
  });
}

export const tiled: Kernel<Conv2dProblem> = gemmKernel('conv2d_tiled', tiledGemm);

export const direct: Kernel<Conv2dProblem> = gemmKernel('conv2d_direct', directGemm);
