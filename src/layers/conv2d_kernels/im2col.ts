/** conv2d_im2col: the columns written out, then a GEMM over them. For CPU adapters. */

import type { Conv2dDirectConfig } from '../../../shaders/conv2d_direct.wgsl.ts';
import { IM2COL_THREADS, im2col, im2colDimensions } from '../../../shaders/im2col.wgsl.ts';
import { type Conv2dGeometry, outputPixels } from '../../../shaders/lib/conv2d_geometry.ts';
import type { DeviceProfile, KernelDef, KernelDispatch } from '../../runtime/operator.ts';
import { largestBuffer } from '../../runtime/plan/batch_parts.ts';
import { bufferBytes } from '../../runtime/tensor.ts';
import { type Conv2dAttributes, geometryOf } from '../conv2d_geometry.ts';
import { costsOf } from './cost.ts';
import { directGemm } from './direct.ts';
import { elementwiseDispatch } from './elementwise_dispatch.ts';
import { rebind, repackConstants } from './lower_tiles.ts';

/** Rows of whole fours, so that they can be read four words at a time. */
function pitchOf(g: Conv2dGeometry): number {
  return Math.ceil(outputPixels(g) / 4) * 4;
}

/** Rows of a group, padded by zeros to a multiple of this: kernels step through them by twos. */
const ROW_QUANTUM = 2;

function groupRows(g: Conv2dGeometry): number {
  const rows = (g.inputChannels / g.groups) * g.kernel[0] * g.kernel[1];
  return Math.ceil(rows / ROW_QUANTUM) * ROW_QUANTUM;
}

function columnRows(g: Conv2dGeometry): number {
  return g.groups * groupRows(g);
}

/** Copies of x, stored as it is. */
function columnBytes(g: Conv2dGeometry): number {
  return bufferBytes(columnRows(g) * pitchOf(g), g.types.x);
}

/** The 1x1 convolution that remains. */
export function im2colGemm(g: Conv2dGeometry): Conv2dGeometry {
  const pitch = pitchOf(g);
  return {
    ...g,
    inputChannels: columnRows(g),
    inputHeight: 1,
    inputWidth: pitch,
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    padding: { top: 0, left: 0 },
    padded: false,
    columns: pitch,
  };
}

function writeColumns(g: Conv2dGeometry, device: DeviceProfile): KernelDispatch {
  const pitch = pitchOf(g);
  const count = g.inputChannels * pitch;
  return elementwiseDispatch(device, count, IM2COL_THREADS, ['x'], 'columns', (grid) => {
    const sizes = im2colDimensions(
      g,
      { pitch, groupRows: groupRows(g) },
      grid,
      costsOf(device).bound,
    );
    return { source: im2col(g.types.x, sizes), words: sizes.words };
  });
}

export const im2colKernel: KernelDef<Conv2dAttributes, Conv2dDirectConfig> = {
  name: 'conv2d_im2col',
  prefers: 'cpu',
  supports(node, device) {
    const g = geometryOf(node);
    return columnBytes(g) <= largestBuffer(device);
  },
  configs: (node, device) => directGemm.configs(im2colGemm(geometryOf(node)), device),
  cost(node, config, device) {
    const g = geometryOf(node);
    const costs = costsOf(device);
    const writing = columnRows(g) * pitchOf(g) * (costs.gather + costs.store);
    return costs.dispatch + writing + directGemm.cost(im2colGemm(g), config, device);
  },
  lower(node, config, device) {
    const g = geometryOf(node);
    const gemm = directGemm.lower(im2colGemm(g), config, device);
    return {
      dispatches: [writeColumns(g, device), rebind(gemm.dispatch, { x: 'columns' })],
      repack: repackConstants(g, { ...gemm.padding, depth: ROW_QUANTUM }),
      scratch: { columns: columnBytes(g) },
    };
  },
};
