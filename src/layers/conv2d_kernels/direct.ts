/** conv2d_direct: which register tile to use for a convolution. */
import {
  type Conv2dDirectConfig,
  conv2dDirect,
  conv2dDirectDimensions,
} from '../../../shaders/conv2d_direct.wgsl.ts';
import { type Conv2dGeometry, outputPixels } from '../../../shaders/lib/conv2d_geometry.ts';
import type { DeviceProfile } from '../../runtime/operator.ts';
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
  /** How many times the pixels there are a tile must compute before a smaller one is worth its compilation. */
  readonly waste: number;
  readonly vector: 1 | 4;
  readonly fused: boolean;
}

const SWIFTSHADER: Style = {
  pixels: [8, 4, 2, 1],
  channels: [32, 16, 8, 4, 1],
  depths: [4, 3, 2, 1],
  multiplyAdds: 1024,
  lanes: 4,
  waste: 1,
  vector: 1,
  fused: true,
};

const LLVMPIPE: Style = {
  pixels: [8, 4, 2],
  channels: [32, 16, 8, 1],
  depths: [4, 2, 1],
  multiplyAdds: 512,
  lanes: 8,
  waste: 8,
  vector: 4,
  fused: false,
};

function configsFor(g: Conv2dGeometry, device: DeviceProfile): readonly Conv2dDirectConfig[] {
  const style = /swiftshader/i.test(device.adapter) ? SWIFTSHADER : LLVMPIPE;
  const width = device.subgroupSize ?? 0;
  const wide = g.columns !== undefined && g.columns % style.vector === 0;
  const vector = wide ? style.vector : 1;
  const groupIn = g.inputChannels / g.groups;
  // Sizes are bound, so tiles alike share a pipeline, and every smaller one is a compilation more.
  const [largest = 1] = style.pixels;
  const wasteful = style.lanes * largest >= style.waste * outputPixels(g);
  return style.pixels
    .filter((pixels) => pixels % vector === 0 && (pixels === largest || wasteful))
    .flatMap((pixels) =>
      style.channels.map((channels) => ({
        lanes: Math.max(style.lanes, width),
        pixels,
        channels,
        depth:
          style.depths.find(
            (d) => groupIn % d === 0 && d * pixels * channels <= style.multiplyAdds,
          ) ?? 1,
        vector,
        ...sharing(width, channels),
        fused: style.fused,
        bound: costsOf(device).bound,
      })),
    );
}

/** Lanes can share weights where the channels are whole subgroups. */
function sharing(width: number, channels: number): Pick<Conv2dDirectConfig, 'share' | 'subgroup'> {
  if (width === 0 || channels % width !== 0) return { share: 'none', subgroup: 1 };
  return { share: width === 4 ? 'swap' : 'broadcast', subgroup: width };
}

/** Sums that cannot be in registers are loaded and stored, once in `depth` multiply-adds. */
const SPILL = 1;

function costOf(g: Conv2dGeometry, config: Conv2dDirectConfig, costs: AdapterCosts): number {
  const { lanes, pixels, channels, depth, vector, share, subgroup } = config;
  const steps = (g.inputChannels / g.groups) * g.kernel[0] * g.kernel[1];
  const sums = pixels * channels;
  const x = vector === 4 ? (pixels / 4) * costs.load4 : pixels * costs.load;
  const wide = share === 'broadcast' && vector === 4 && channels % (4 * subgroup) === 0;
  const loads = wide
    ? (channels / (4 * subgroup)) * costs.load4
    : (channels / subgroup) * costs.load;
  const weights = loads + (share === 'none' ? 0 : channels * costs.share);
  const step = sums * (1 + SPILL / depth) + x + weights;
  const lane = steps * step + sums * costs.store;
  return costs.dispatch + cover(g, tileOf(config)).tiles * lanes * lane;
}

function tileOf(config: Conv2dDirectConfig): Tile {
  return { pixels: config.lanes * config.pixels, channels: config.channels };
}

export const directGemm: Conv2dGemm<Conv2dDirectConfig> = {
  configs(g, device) {
    const cost = (config: Conv2dDirectConfig): number => costOf(g, config, costsOf(device));
    return configsFor(g, device).toSorted((a, b) => cost(a) - cost(b));
  },
  cost: (g, config, device) => costOf(g, config, costsOf(device)),
  lower(g, config, device) {
    return lowerTiles(g, device, tileOf(config), { depth: 1, blocked: true }, (grid) => {
      const sizes = conv2dDirectDimensions(g, config, grid);
      return { source: conv2dDirect(g, config, sizes), words: sizes.words };
    });
  },
};
