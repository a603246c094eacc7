/** conv2d_direct: which register tile to use for a node. */
import { type Conv2dDirectConfig, conv2dDirect } from '../../../shaders/conv2d_direct.wgsl.ts';
import type { KernelDef } from '../../runtime/operator.ts';
import { type Conv2dAttributes, geometryOf } from '../conv2d_geometry.ts';
import { cover, lowerTiles, type Tile } from './lower_tiles.ts';

function directTile(config: Conv2dDirectConfig): Tile {
  return { pixels: config.lanes * config.pixels, channels: config.channels };
}

/** Sums one invocation keeps: twice as many run 1.3 times as fast, and compile 1.4 to 1.6 times as long. */
const MOST_SUMS = 64;

export const direct: KernelDef<Conv2dAttributes, Conv2dDirectConfig> = {
  name: 'conv2d_direct',
  prefers: 'cpu',
  supports: () => true,
  configs(node, device) {
    const g = geometryOf(node);
    const subgroup = device.subgroupSize ?? 0;
    const lanes = Math.max(8, subgroup);
    const candidates: Conv2dDirectConfig[] = [];
    for (const channels of [16, 8, 4, 1]) {
      for (const pixels of [8, 6, 4, 2, 1]) {
        if (pixels * channels > MOST_SUMS) continue;
        // Broadcasting needs whole subgroups of channels.
        const broadcast = subgroup > 0 && channels % subgroup === 0;
        candidates.push({ lanes, pixels, channels, subgroup: broadcast ? subgroup : 0 });
      }
    }
    // A tile of P x C does P * C multiply-adds for P + C loads, as far as its area is output.
    const worth = (c: Conv2dDirectConfig): number =>
      (cover(g, directTile(c)).use * c.pixels * c.channels) / (c.pixels + c.channels + 2);
    return candidates.sort((a, b) => worth(b) - worth(a));
  },
  lower(node, config, device) {
    return lowerTiles(node, device, directTile(config), 1, (g, grid) =>
      conv2dDirect(g, config, grid),
    );
  },
};
