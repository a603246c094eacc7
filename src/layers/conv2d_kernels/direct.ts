/** conv2d_direct: which register tile to use for a convolution. */
import { type Conv2dDirectConfig, conv2dDirect } from '../../../shaders/conv2d_direct.wgsl.ts';
import {
  type Conv2dProblem,
  columnsInFours,
  outputPixels,
} from '../../../shaders/lib/conv2d_problem.ts';
import type { DeviceProfile } from '../../runtime/device_profile.ts';
import { type AdapterCosts, costsOf } from './cost.ts';
import { type Conv2dGemm, cover, lowerTiles, type Tile } from './lower_tiles.ts';

/** What suits an adapter. */
interface Style {
  readonly pixels: readonly number[];
  readonly channels: readonly number[];
  readonly depths: readonly number[];
  /** What one invocation unrolls at most: beyond that, compilers take seconds and spill what unrolling saves. */
  readonly multiplyAdds: number;
  readonly lanes: number;
  /** How many times the pixels there are the largest tiles must compute before a smaller one is worth compiling. */
  readonly waste: number;
  readonly vector: 1 | 4;
}

const SWIFTSHADER: Style = {
  pixels: [28, 16, 8, 4, 1],
  channels: [8, 4, 2, 1],
  depths: [4, 3, 2, 1],
  multiplyAdds: 1024,
  lanes: 4,
  waste: 1,
  vector: 1,
};

const LLVMPIPE: Style = {
  pixels: [28, 16, 8, 1],
  channels: [8, 4, 2, 1],
  depths: [2, 1],
  multiplyAdds: 512,
  lanes: 8,
  waste: 1.5,
  vector: 4,
};

/** Sums that cannot be in registers are loaded and stored, once in `depth` multiply-adds. */
const SPILL = 1;

function configsFor(g: Conv2dProblem, device: DeviceProfile): readonly Conv2dDirectConfig[] {
  const style = device.family === 'swiftshader' ? SWIFTSHADER : LLVMPIPE;
  const width = device.subgroupSize ?? 0;
  // Sizes are bound, so tiles alike share a pipeline, and every smaller one is a compilation more.
  const [largest = 1] = style.pixels;
  const computed = Math.ceil(outputPixels(g) / largest) * largest;
  const wasteful = computed >= style.waste * outputPixels(g);
  return style.pixels
    .filter((pixels) => pixels === largest || wasteful)
    .flatMap((pixels) => {
      const xVector = columnsInFours(g) && pixels % style.vector === 0 ? style.vector : 1;
      return style.channels.map((channels) => ({
        lanes: Math.max(style.lanes, width),
        pixels,
        channels,
        depth: depthOf(g, style, pixels * channels),
        vector: channels % style.vector === 0 ? style.vector : 1,
        xVector,
        ...sharing(width, pixels, xVector),
      }));
    });
}

/** The depth of the least work. Columns have no room for rows of zeros, so there it divides the channels. */
function depthOf(g: Conv2dProblem, style: Style, sums: number): number {
  const groupIn = g.inputChannels / g.groups;
  const work = (depth: number): number => Math.ceil(groupIn / depth) * (depth + SPILL);
  const [best = 1] = style.depths
    .filter((depth) => depth * sums <= style.multiplyAdds)
    .filter((depth) => !g.columns || groupIn % depth === 0)
    .toSorted((a, b) => work(a) - work(b));
  return best;
}

/** Quads swap whole quads of single pixels; any lanes can broadcast any number of pixels. */
function sharing(
  width: number,
  pixels: number,
  xVector: 1 | 4,
): Pick<Conv2dDirectConfig, 'share' | 'subgroup'> {
  if (width === 0 || pixels === 1) return { share: 'none', subgroup: 1 };
  const swaps = width === 4 && xVector === 1 && pixels % 4 === 0;
  return { share: swaps ? 'swap' : 'broadcast', subgroup: width };
}

function costOf(g: Conv2dProblem, config: Conv2dDirectConfig, costs: AdapterCosts): number {
  const { lanes, pixels, channels, depth, vector, xVector, share, subgroup } = config;
  const load = (width: 1 | 4): number => (width === 4 ? costs.load4 : costs.load);
  const groupIn = g.inputChannels / g.groups;
  const rows = Math.ceil(groupIn / depth) * depth * g.kernel[0] * g.kernel[1];
  const sums = pixels * channels;
  const weights = (channels / vector) * load(vector);
  const loads = Math.ceil(pixels / (subgroup * xVector)) * load(xVector);
  const x = loads + (share === 'none' ? 0 : pixels * costs.share);
  const row = sums * (1 + SPILL / depth) + weights + x;
  const lane = rows * row + sums * costs.store;
  return costs.dispatch + cover(g, tileOf(config)).tiles * lanes * lane;
}

function tileOf(config: Conv2dDirectConfig): Tile {
  return { pixels: config.pixels, channels: config.lanes * config.channels };
}

export const directGemm: Conv2dGemm<Conv2dDirectConfig> = {
  inside: 'cpu',
  configs(g, device) {
    const cost = (config: Conv2dDirectConfig): number => costOf(g, config, costsOf(device));
    return configsFor(g, device).toSorted((a, b) => cost(a) - cost(b));
  },
  cost: (g, config, device) => costOf(g, config, costsOf(device)),
  lower(g, config, device) {
    const padding = { tapDepth: config.depth, depth: 1, blocked: true };
    return lowerTiles(g, device, tileOf(config), padding, (grid) => conv2dDirect(g, config, grid));
  },
};
