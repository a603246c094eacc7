/**
 * conv2d_split_k: the input channels cut into parts, a group of the convolution each, which a second dispatch adds up
 * in a fixed order. For conv2d_matrix and small maps; conv2d_tiled has slices enough.
 */
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import { SUM_PARTS_THREADS, sumParts } from '../../../shaders/sum_parts.wgsl.ts';
import { kindOf, largestBuffer } from '../../runtime/device_profile.ts';
import { type Kernel, kernel, type Repack } from '../../runtime/kernel.ts';
import { inOrder } from '../bindings.ts';
import type { Conv2dRole } from '../conv2d_problem.ts';
import { dispatchOf } from '../dispatch.ts';
import { costsOf } from './cost.ts';
import { type Conv2dGemm, rebind, repackWeight, type WeightPadding } from './lower_tiles.ts';

export interface SplitKConfig<C extends object> {
  readonly parts: number;
  /** Of the convolution that computes the parts. */
  readonly gemm: C;
}

const PARTS: readonly number[] = [2, 4, 8];

/** Fewer input channels in a part do not fill the tiles. */
const LEAST_CHANNELS = 64;

/** A convolution with a group for each part, which gives all output channels of that part. */
export function partsOf(g: Conv2dProblem, parts: number): Conv2dProblem {
  const plane = g.outputHeight * g.outputWidth;
  return {
    ...g,
    yStrides: { offset: 0, image: parts * g.outputChannels * plane, channel: plane },
    groups: parts,
    outputChannels: parts * g.outputChannels,
    bias: false,
    epilogue: undefined,
    types: { ...g.types, y: 'f32' },
  };
}

function elements(g: Conv2dProblem): number {
  return g.batch * g.outputChannels * g.outputHeight * g.outputWidth;
}

/** [output][input][tap] to [part][output][input of the part][tap], which is what the groups' weights are. */
function repackParts(g: Conv2dProblem, parts: number, padding: WeightPadding): Repack {
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

export function splitKOn<C extends object>(gemm: Conv2dGemm<C>): Kernel<Conv2dProblem> {
  return kernel({
    name: 'conv2d_split_k',
    prefers: 'gpu',
    supports: (g, device) => g.groups === 1 && kindOf(device) === gemm.inside,
    configs(g, device): readonly SplitKConfig<C>[] {
      const usable = PARTS.filter(
        (parts) =>
          g.inputChannels % parts === 0 &&
          g.inputChannels / parts >= LEAST_CHANNELS &&
          4 * parts * elements(g) <= largestBuffer(device),
      );
      return usable.flatMap((parts) =>
        gemm.configs(partsOf(g, parts), device).map((config) => ({ parts, gemm: config })),
      );
    },
    cost(g, config, device) {
      const costs = costsOf(device);
      const summing = elements(g) * (config.parts * costs.load + costs.store);
      const computing = gemm.cost(partsOf(g, config.parts), config.gemm, device);
      return costs.dispatch + summing + computing;
    },
    lower(g, { parts, gemm: config }, device) {
      const { dispatch, padding } = gemm.lower(partsOf(g, parts), config, device);
      const bindings = inOrder<Conv2dRole | 'parts'>(['parts', g.bias ? 'bias' : null], 'y');
      const workgroups = Math.ceil(elements(g) / SUM_PARTS_THREADS);
      const sum = dispatchOf(device, workgroups, bindings, (grid) => sumParts(g, parts, grid));
      return {
        dispatches: [rebind(dispatch, { y: 'parts' }), sum],
        repack: { weight: repackParts(g, parts, padding) },
        scratch: { parts: 4 * parts * elements(g) },
      };
    },
  });
}
