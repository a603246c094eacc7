/** conv2d_direct: which register tile to use for a convolution. */
import {
  type Conv2dDirectConfig,
  conv2dDirect,
  conv2dDirectDimensions,
} from '../../../shaders/conv2d_direct.wgsl.ts';
import type { Conv2dGeometry } from '../../../shaders/lib/conv2d_geometry.ts';
import type { DeviceProfile } from '../../runtime/operator.ts';
import { type Conv2dGemm, cover, lowerTiles, type Tile } from './lower_tiles.ts';

/** What one lane pays on an adapter, in multiply-adds of a whole vector of lanes; and what suits it. */
interface CpuAdapter {
  readonly load: number;
  /** A load of four words. */
  readonly load4: number;
  readonly broadcast: number;
  readonly store: number;
  /** Multiply-adds cost so much more where the sums do not fit the registers. */
  readonly spill: number;
  readonly depths: readonly number[];
  readonly tiles: readonly (readonly [pixels: number, channels: number])[];
  readonly style: Pick<Conv2dDirectConfig, 'lanes' | 'vector' | 'fused' | 'bound'>;
}

/** Reactor turns loads of neighbouring words into one; sums live in memory anyway. */
const SWIFTSHADER: CpuAdapter = {
  load: 6,
  load4: 40,
  broadcast: 2,
  store: 12,
  spill: 1,
  depths: [1],
  tiles: [8, 6, 4, 2, 1].flatMap((p) => [16, 8, 4, 1].map((c) => [p, c] as const)),
  style: { lanes: 8, vector: 1, fused: true, bound: false },
};

/** Every load goes lane by lane, through two bounds checks each. */
const LLVMPIPE: CpuAdapter = {
  load: 30,
  load4: 64,
  broadcast: 2,
  store: 40,
  spill: 1.2,
  depths: [4, 2, 1],
  tiles: [8, 4].flatMap((p) => [32, 16, 8, 4].map((c) => [p, c] as const)),
  style: { lanes: 8, vector: 4, fused: false, bound: true },
};

function adapterOf(device: DeviceProfile): CpuAdapter {
  return /swiftshader/i.test(device.adapter) ? SWIFTSHADER : LLVMPIPE;
}

function configsFor(
  g: Conv2dGeometry,
  device: DeviceProfile,
  adapter: CpuAdapter,
): readonly Conv2dDirectConfig[] {
  const subgroup = device.subgroupSize ?? 0;
  const vector = g.columns !== undefined && g.columns % 4 === 0 ? adapter.style.vector : 1;
  const groupIn = g.inputChannels / g.groups;
  const depth = adapter.depths.find((d) => groupIn % d === 0) ?? 1;
  return adapter.tiles
    .filter(([pixels]) => pixels % vector === 0)
    .map(([pixels, channels]) => ({
      ...adapter.style,
      pixels,
      channels,
      vector,
      depth: pixels * channels * depth > 512 ? Math.max(1, depth / 2) : depth,
      // Broadcasting needs whole subgroups of channels.
      subgroup: subgroup > 0 && channels % subgroup === 0 ? subgroup : 0,
    }));
}

/** In multiply-adds of whole vectors, for the whole convolution. */
function costOf(g: Conv2dGeometry, config: Conv2dDirectConfig, adapter: CpuAdapter): number {
  const { pixels, channels, vector, subgroup } = config;
  const { tiles } = cover(g, tileOf(config));
  const steps = (g.inputChannels / g.groups) * g.kernel[0] * g.kernel[1];
  const sums = pixels * channels;
  const x = vector === 4 ? (pixels / 4) * adapter.load4 : pixels * adapter.load;
  const weights =
    subgroup > 0
      ? (channels / subgroup) * adapter.load + channels * adapter.broadcast
      : channels * adapter.load;
  return tiles * (steps * (sums * adapter.spill + x + weights) + sums * adapter.store);
}

function tileOf(config: Conv2dDirectConfig): Tile {
  return { pixels: config.lanes * config.pixels, channels: config.channels };
}

export const directGemm: Conv2dGemm<Conv2dDirectConfig> = {
  configs(g, device) {
    const adapter = adapterOf(device);
    const cost = (config: Conv2dDirectConfig): number => costOf(g, config, adapter);
    return configsFor(g, device, adapter).toSorted((a, b) => cost(a) - cost(b));
  },
  lower(g, config, device) {
    return lowerTiles(g, device, tileOf(config), 1, (grid) => {
      const sizes = conv2dDirectDimensions(g, config, grid);
      return { source: conv2dDirect(g, config, sizes), words: sizes.words };
    });
  },
};
