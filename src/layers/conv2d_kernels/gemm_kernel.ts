/** A convolution in one dispatch; and which of these runs inside algorithms of several. */
import type { Conv2dGeometry } from '../../../shaders/lib/conv2d_geometry.ts';
import type { DeviceProfile, KernelDef } from '../../runtime/operator.ts';
import { type Conv2dAttributes, geometryOf, isRowMajor } from '../conv2d_geometry.ts';
import { directGemm } from './direct.ts';
import { type Conv2dGemm, repackConstants } from './lower_tiles.ts';
import { tiledGemm } from './tiled.ts';

function gemmKernel<C extends object>(
  name: string,
  prefers: DeviceProfile['kind'],
  gemm: Conv2dGemm<C>,
): KernelDef<Conv2dAttributes, C> {
  return {
    name,
    prefers,
    supports: (node) => prefers === 'cpu' || isRowMajor(node),
    configs: (node, device) => gemm.configs(asColumns(geometryOf(node)), device),
    cost: (node, config, device) => gemm.cost(asColumns(geometryOf(node)), config, device),
    lower(node, config, device) {
      const g = asColumns(geometryOf(node));
      const { dispatch, padding } = gemm.lower(g, config, device);
      return { dispatches: [dispatch], repack: repackConstants(g, padding) };
    },
  };
}

export const tiled = gemmKernel('conv2d_tiled', 'gpu', tiledGemm);

export const direct = gemmKernel('conv2d_direct', 'cpu', directGemm);

/** Of one image, or of a channel-major batch, what a 1x1 kernel of stride 1 reads is a matrix of columns as it stands. */
export function asColumns(g: Conv2dGeometry): Conv2dGeometry {
  const pointwise = [...g.kernel, ...g.stride].every((extent) => extent === 1) && !g.padded;
  const together = g.xStrides.channel >= g.batch * g.inputHeight * g.inputWidth;
  return pointwise && together ? { ...g, columns: g.xStrides.channel } : g;
}

/** What multiplies inside the algorithms of several dispatches on such a device. */
export function gemmFor(device: DeviceProfile): Conv2dGemm {
  return device.kind === 'cpu' ? directGemm : tiledGemm;
}
