/** The kernels of the convolution: which tile to use for a node, how the weights are laid out for it. */
import { type Conv2dDirectConfig, conv2dDirect } from '../../shaders/conv2d_direct.wgsl.ts';
import {
  type Conv2dTiledConfig,
  conv2dTile,
  conv2dTiled,
} from '../../shaders/conv2d_tiled.wgsl.ts';
import { type Conv2dGeometry, outputPixels } from '../../shaders/lib/conv2d_geometry.ts';
import { type Grid, gridOf } from '../../shaders/lib/grid.ts';
import type { Node } from '../runtime/graph.ts';
import type { Binding, DeviceProfile, KernelDef, Lowering, Repack } from '../runtime/operator.ts';
import { type Conv2dAttributes, geometryOf } from './conv2d_geometry.ts';

/**
 * The order both kernels read weights in: [group][tap][input channel][output channel], with each group's
 * rows padded by zeros to a multiple of `depth` and its columns to `columns`.
 */
function repackWeight(g: Conv2dGeometry, depth: number, columns: number): Repack {
  const taps = g.kernel[0] * g.kernel[1];
  const groupIn = g.inputChannels / g.groups;
  const groupOut = g.outputChannels / g.groups;
  const rows = Math.ceil((taps * groupIn) / depth) * depth;
  return {
    arrangement: `group-tap-in-out g${g.groups} k${rows} n${columns}`,
    length: g.groups * rows * columns,
    pack(data) {
      const packed = new Float32Array(g.groups * rows * columns);
      for (let o = 0; o < g.outputChannels; o++) {
        const group = Math.floor(o / groupOut);
        for (let c = 0; c < groupIn; c++) {
          for (let tap = 0; tap < taps; tap++) {
            const row = group * rows + tap * groupIn + c;
            packed[row * columns + (o % groupOut)] = data[(o * groupIn + c) * taps + tap] ?? 0;
          }
        }
      }
      return packed;
    },
  };
}

function repackBias(g: Conv2dGeometry, columns: number): Repack {
  const groupOut = g.outputChannels / g.groups;
  return {
    arrangement: `group-out g${g.groups} n${columns}`,
    length: g.groups * columns,
    pack(data) {
      const packed = new Float32Array(g.groups * columns);
      for (let group = 0; group < g.groups; group++) {
        packed.set(data.subarray(group * groupOut, (group + 1) * groupOut), group * columns);
      }
      return packed;
    },
  };
}

function bindings(g: Conv2dGeometry): readonly Binding[] {
  const all: Binding[] = [
    { slot: 0, value: 'x', access: 'read' },
    { slot: 1, value: 'weight', access: 'read' },
  ];
  if (g.bias) all.push({ slot: 2, value: 'bias', access: 'read' });
  if (g.residual) all.push({ slot: 3, value: 'residual', access: 'read' });
  all.push({ slot: 4, value: 'y', access: 'read_write' });
  return all;
}

interface Tile {
  readonly pixels: number;
  readonly channels: number;
}

/** How many tiles cover the output, and how large a part of their area is output. */
function cover(g: Conv2dGeometry, tile: Tile): { readonly tiles: number; readonly use: number } {
  const pixels = outputPixels(g);
  const channels = g.outputChannels / g.groups;
  const tiles = Math.ceil(pixels / tile.pixels) * Math.ceil(channels / tile.channels);
  return {
    tiles: tiles * g.groups,
    use: (pixels * channels) / (tiles * tile.pixels * tile.channels),
  };
}

function lowerTiles(
  node: Node<Conv2dAttributes>,
  device: DeviceProfile,
  tile: Tile,
  depth: number,
  source: (g: Conv2dGeometry, grid: Grid) => string,
): Lowering {
  const g = geometryOf(node);
  const grid = gridOf(cover(g, tile).tiles, device.limits.maxComputeWorkgroupsPerDimension);
  const columns = Math.ceil(g.outputChannels / g.groups / tile.channels) * tile.channels;
  const repack: Record<string, Repack> = { weight: repackWeight(g, depth, columns) };
  if (g.bias) repack.bias = repackBias(g, columns);
  const dispatch = {
    source: source(g, grid),
    bindings: bindings(g),
    workgroups: [grid.columns, grid.rows, 1] as const,
  };
  return { dispatches: [dispatch], repack };
}

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

const TILED_CONFIGS: readonly Conv2dTiledConfig[] = [
  { threads: [16, 16], pixelQuads: 1, channelQuads: 1, depth: 16 },
  { threads: [8, 8], pixelQuads: 2, channelQuads: 2, depth: 16 },
  { threads: [8, 8], pixelQuads: 1, channelQuads: 1, depth: 16 },
];

export const tiled: KernelDef<Conv2dAttributes, Conv2dTiledConfig> = {
  name: 'conv2d_tiled',
  prefers: 'gpu',
  supports: () => true,
  configs(node, device) {
    const g = geometryOf(node);
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
  lower(node, config, device) {
    return lowerTiles(node, device, conv2dTile(config), config.depth, (g, grid) =>
      conv2dTiled(g, config, grid),
    );
  },
};
