/** conv2d_tiled: which workgroup tile to use for a node. */
import {
  type Conv2dTiledConfig,
  conv2dTile,
  conv2dTiled,
} from '../../../shaders/conv2d_tiled.wgsl.ts';
import { type Conv2dGemm, cover, lowerTiles } from './lower_tiles.ts';

const TILED_CONFIGS: readonly Conv2dTiledConfig[] = [
  { threads: [16, 16], pixelQuads: 1, channelQuads: 1, depth: 16 },
  { threads: [8, 8], pixelQuads: 2, channelQuads: 2, depth: 16 },
  { threads: [8, 8], pixelQuads: 1, channelQuads: 1, depth: 16 },
];

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
    const worth = (config: Conv2dTiledConfig): number => {
      const { tiles, use } = cover(g, conv2dTile(config));
      const intensity =
        (4 * config.pixelQuads * config.channelQuads) / (config.pixelQuads + config.channelQuads);
      // Small layers need enough workgroups to occupy the GPU more than they need large tiles.
      return use * intensity * Math.min(1, tiles / 64);
    };
    return TILED_CONFIGS.filter(fits).sort((a, b) => worth(b) - worth(a));
  },
  lower(g, config, device) {
    return lowerTiles(g, device, conv2dTile(config), config.depth, (grid) => ({
      source: conv2dTiled(g, config, grid),
    }));
  },
};
