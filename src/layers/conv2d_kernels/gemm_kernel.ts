/** A convolution in one dispatch. */
import type { Conv2dGeometry } from '../../../shaders/lib/conv2d_geometry.ts';
import type { DeviceProfile, KernelDef } from '../../runtime/operator.ts';
import { type Conv2dAttributes, geometryOf } from '../conv2d_geometry.ts';
import { type Conv2dGemm, repackConstants } from './lower_tiles.ts';

export function gemmKernel<C extends object>(
  name: string,
  prefers: DeviceProfile['kind'],
  gemm: Conv2dGemm<C>,
): KernelDef<Conv2dAttributes, C> {
  return {
    name,
    prefers,
    supports: () => true,
    configs: (node, device) => gemm.configs(asColumns(geometryOf(node)), device),
    lower(node, config, device) {
      const g = asColumns(geometryOf(node));
      const { dispatch, padding } = gemm.lower(g, config, device);
      return { dispatches: [dispatch], repack: repackConstants(g, padding) };
    },
  };
}

/** Of one image, what a 1x1 kernel of stride 1 reads is a matrix of columns as it stands. */
export function asColumns(g: Conv2dGeometry): Conv2dGeometry {
  const pointwise = [...g.kernel, ...g.stride].every((extent) => extent === 1) && !g.padded;
  return pointwise && g.batch === 1 ? { ...g, columns: g.inputHeight * g.inputWidth } : g;
}
