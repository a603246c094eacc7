/** conv2d_split_k: the input channels cut into parts that are summed in a second pass. For GPUs and small maps. */
import type { Conv2dGeometry } from '../../../shaders/lib/conv2d_geometry.ts';
import { SUM_PARTS_THREADS, sumParts } from '../../../shaders/sum_parts.wgsl.ts';
import type { KernelDef, Repack } from '../../runtime/operator.ts';
import { largestBuffer } from '../../runtime/plan/batch_parts.ts';
import { type Conv2dAttributes, geometryOf, isRowMajor } from '../conv2d_geometry.ts';
import { costsOf } from './cost.ts';
import { elementwiseDispatch } from './elementwise_dispatch.ts';
import { gemmFor } from './gemm_kernel.ts';
import { rebind, repackWeight, type WeightPadding } from './lower_tiles.ts';

export interface SplitKConfig {
  readonly parts: number;
  /** Of the convolution that computes the parts. */
  readonly gemm: object;
}

const PARTS: readonly number[] = [2, 4, 8];

/** Fewer input channels in a part do not fill the tiles. */
const LEAST_CHANNELS = 64;

/** A convolution with a group for each part, which gives all output channels of that part. */
function partsOf(g: Conv2dGeometry, parts: number): Conv2dGeometry {
  const { image, channel } = g.yStrides;
  const yStrides = { image: parts * image, channel };
  return {
    ...g,
    yStrides,
    residualStrides: yStrides,
    groups: parts,
    outputChannels: parts * g.outputChannels,
    bias: false,
    residual: false,
    activation: 'none',
    types: { ...g.types, y: 'f32' },
  };
}

function elements(g: Conv2dGeometry): number {
  return g.batch * g.outputChannels * g.outputHeight * g.outputWidth;
}

/** [output][input][tap] to [part][output][input of the part][tap], which is what the groups' weights are. */
function repackParts(g: Conv2dGeometry, parts: number, padding: WeightPadding): Repack {
  const inner = repackWeight(partsOf(g, parts), padding);
  const row = g.inputChannels * g.kernel[0] * g.kernel[1];
  const length = row / parts;
  return {
    arrangement: `split ${inner.arrangement}`,
    length: inner.length,
    pack(data) {
      const split = new Float32Array(data.length);
      for (let o = 0; o < g.outputChannels; o++) {
        for (let part = 0; part < parts; part++) {
          const from = o * row + part * length;
          split.set(data.subarray(from, from + length), (part * g.outputChannels + o) * length);
        }
      }
      return inner.pack(split);
    },
  };
}

export const splitK: KernelDef<Conv2dAttributes, SplitKConfig> = {
  name: 'conv2d_split_k',
  prefers: 'gpu',
  supports(node, device) {
    const g = geometryOf(node);
    const bytes = 4 * Math.min(...PARTS) * elements(g);
    return g.groups === 1 && isRowMajor(node) && bytes <= largestBuffer(device);
  },
  configs(node, device) {
    const g = geometryOf(node);
    const usable = PARTS.filter(
      (parts) =>
        g.inputChannels % parts === 0 &&
        g.inputChannels / parts >= LEAST_CHANNELS &&
        4 * parts * elements(g) <= largestBuffer(device),
    );
    return usable.flatMap((parts) =>
      gemmFor(device)
        .configs(partsOf(g, parts), device)
        .map((gemm) => ({ parts, gemm })),
    );
  },
  cost(node, { parts, gemm }, device) {
    const g = geometryOf(node);
    const costs = costsOf(device);
    const summing = elements(g) * (parts * costs.load + costs.store);
    const computing = gemmFor(device).cost(partsOf(g, parts), gemm, device);
    return costs.dispatch + summing + computing;
  },
  lower(node, { parts, gemm }, device) {
    const g = geometryOf(node);
    const { dispatch, padding } = gemmFor(device).lower(partsOf(g, parts), gemm, device);
    const reads = ['parts', g.bias ? 'bias' : null, g.residual ? 'residual' : null];
    const sum = elementwiseDispatch(device, elements(g), SUM_PARTS_THREADS, reads, 'y', (grid) => ({
      source: sumParts(g, parts, grid),
    }));
    return {
      dispatches: [rebind(dispatch, { y: 'parts' }), sum],
      repack: { weight: repackParts(g, parts, padding) },
      scratch: { parts: 4 * parts * elements(g) },
    };
  },
};
