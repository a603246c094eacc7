/** conv2d_tiled: which workgroup tile to use for a convolution. */
import {
  type Conv2dTiledConfig,
  conv2dTile,
  conv2dTileDepth,
  conv2dTiled,
} from '../../../shaders/conv2d_tiled.wgsl.ts';
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import { type DeviceProfile, kindOf } from '../../runtime/device_profile.ts';
import { costsOf } from './cost.ts';
import { type Conv2dGemm, cover, lowerTiles } from './lower_tiles.ts';

/** 8 x 8 outputs an invocation, which is what saves loads from workgroup memory: see docs/kernels.md. */
const EIGHT_BY_EIGHT = { pixelQuads: 2, channelQuads: 2, depth: 8, unroll: 4 } as const;

const CONFIGS: readonly Conv2dTiledConfig[] = [
  { threads: [8, 8], slices: 1, ...EIGHT_BY_EIGHT },
  { threads: [8, 8], slices: 2, ...EIGHT_BY_EIGHT },
  { threads: [8, 8], slices: 4, ...EIGHT_BY_EIGHT },
  { threads: [8, 16], slices: 1, ...EIGHT_BY_EIGHT },
  { threads: [16, 8], slices: 1, ...EIGHT_BY_EIGHT },
  { threads: [4, 8], slices: 4, ...EIGHT_BY_EIGHT },
  { threads: [4, 4], slices: 4, ...EIGHT_BY_EIGHT },
  { threads: [4, 4], slices: 8, ...EIGHT_BY_EIGHT },
  // For outputs of a few tiles: all invocations of a workgroup share one, which saves a second dispatch.
  { threads: [4, 4], slices: 16, ...EIGHT_BY_EIGHT, depth: 4 },
  // For groups of few channels, of which wider tiles would compute mostly padding.
  { threads: [16, 4], slices: 1, pixelQuads: 1, channelQuads: 1, depth: 16, unroll: 4 },
];

/** Compilers of CPU adapters take minutes for what GPUs like best; there this kernel is for checks only. */
const FOR_CPU_ADAPTERS: Conv2dTiledConfig = {
  threads: [8, 8],
  slices: 1,
  pixelQuads: 1,
  channelQuads: 1,
  depth: 8,
  unroll: 1,
};

/** What a GPU of the middle is assumed to have; for the ranking only. */
const GPU = {
  /** Compute units, or streaming multiprocessors. */
  units: 80,
  /** Multiply-adds of one unit in a cycle. */
  multiplyAdds: 128,
  /** Bytes that one unit gets from the second-level cache in a cycle. */
  bytes: 64,
  /** Invocations that a unit needs at work, to hide the latency of those that wait. */
  invocations: 256,
  /** Cycles to start a workgroup, to fetch its first tiles and to store its output; to add up slices. */
  start: 1000,
  addUp: 800,
} as const;

/** Cycles, about: what the busiest unit computes or loads. */
function cyclesOf(g: Conv2dProblem, config: Conv2dTiledConfig): number {
  const tile = conv2dTile(config);
  const depth = conv2dTileDepth(config);
  const k = (g.inputChannels / g.groups) * g.kernel[0] * g.kernel[1];
  // One step more than k has: the first tiles are fetched while nothing is multiplied.
  const rows = (Math.ceil(k / depth) + 1) * depth;
  const invocations = config.threads[0] * config.threads[1] * config.slices;
  const tilesOfUnit = Math.ceil(cover(g, tile).tiles / GPU.units);
  const atWork = Math.min(1, (tilesOfUnit * invocations) / GPU.invocations);
  // Loads from workgroup memory keep up with 16 multiply-adds for each; with fewer, they are the limit.
  const perLoad =
    (16 * config.pixelQuads * config.channelQuads) / (config.pixelQuads + config.channelQuads);
  const slowdown = Math.max(1, 16 / perLoad) / atWork;
  const compute = ((tile.pixels * tile.channels * rows) / GPU.multiplyAdds) * slowdown;
  const load = (4 * (tile.pixels + tile.channels) * rows) / GPU.bytes;
  const ends = GPU.start + (config.slices > 1 ? GPU.addUp : 0);
  return tilesOfUnit * Math.max(compute, load) + ends;
}

function fits(config: Conv2dTiledConfig, { limits }: DeviceProfile): boolean {
  const tile = conv2dTile(config);
  const bytes = 4 * conv2dTileDepth(config) * (tile.pixels + tile.channels);
  return (
    config.threads[0] * config.threads[1] * config.slices <=
      limits.maxComputeInvocationsPerWorkgroup && bytes <= limits.maxComputeWorkgroupStorageSize
  );
}

export const tiledGemm: Conv2dGemm<Conv2dTiledConfig> = {
  inside: 'gpu',
  configs(g, device) {
    const configs = kindOf(device) === 'cpu' ? [FOR_CPU_ADAPTERS] : CONFIGS;
    return configs
      .filter((config) => fits(config, device))
      .toSorted((a, b) => cyclesOf(g, a) - cyclesOf(g, b));
  },
  cost(g, config, device) {
    // In multiply-adds of the whole device.
    return costsOf(device).dispatch + cyclesOf(g, config) * GPU.units * GPU.multiplyAdds;
  },
  lower(g, config, device) {
    const padding = { tapDepth: 1, depth: conv2dTileDepth(config), blocked: false };
    return lowerTiles(g, device, conv2dTile(config), padding, (grid) =>
      conv2dTiled(g, config, grid),
    );
  },
};
