/** conv2d_tiled: which workgroup tile to use for a node. */
import {
  type Conv2dTiledConfig,
  conv2dTile,
  conv2dTiled,
} from '../../../shaders/conv2d_tiled.wgsl.ts';
import { type Conv2dGeometry, outputPixels } from '../../../shaders/lib/conv2d_geometry.ts';
import { costsOf } from './cost.ts';
import { type Conv2dGemm, cover, lowerTiles } from './lower_tiles.ts';

const TILED_CONFIGS: readonly Conv2dTiledConfig[] = [
  { threads: [16, 16], pixelQuads: 1, channelQuads: 1, depth: 16 },
  { threads: [8, 8], pixelQuads: 2, channelQuads: 2, depth: 16 },
  { threads: [8, 8], pixelQuads: 1, channelQuads: 1, depth: 16 },
];

/** What share of the device's multiply-adds such tiles reach: full, busy enough, and seldom fetching. */
function efficiency(g: Conv2dGeometry, config: Conv2dTiledConfig): number {
  const { tiles, use } = cover(g, conv2dTile(config));
  const { pixelQuads, channelQuads } = config;
  const perFetch = (4 * pixelQuads * channelQuads) / (pixelQuads + channelQuads);
  // Small layers need enough workgroups to occupy the GPU more than they need large tiles.
  return use * (perFetch / (perFetch + 1)) * Math.min(1, tiles / BUSY_WORKGROUPS);
}

/** Workgroups that keep a discrete GPU busy. */
const BUSY_WORKGROUPS = 128;

export const tiledGemm: Conv2dGemm<Conv2dTiledConfig> = {
  configs(g, device) {
    const fits = (config: Conv2dTiledConfig): boolean => {
      const [m, n] = config.threads;
      const tile = conv2dTile(config);
      const { limits } = device;
      return (
        m * n <= limits.maxComputeInvocationsPerWorkgroup &&
        4 * config.depth * (tile.pixels + tile.channels) <= limits.maxComputeWorkgroupStorageSize
      );
    };
    return TILED_CONFIGS.filter(fits).sort((a, b) => efficiency(g, b) - efficiency(g, a));
  },
  cost(g, config, device) {
    const depth = (g.inputChannels / g.groups) * g.kernel[0] * g.kernel[1];
    const multiplyAdds = outputPixels(g) * g.outputChannels * depth;
    return costsOf(device).dispatch + multiplyAdds / efficiency(g, config);
  },
  lower(g, config, device) {
    return lowerTiles(g, device, conv2dTile(config), config.depth, (grid) => ({
      source: conv2dTiled(g, config, grid),
    }));
  },
};
