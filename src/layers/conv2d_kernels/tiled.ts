/** conv2d_tiled: which workgroup tile to use for a convolution. */
import {
  type Conv2dTiledConfig,
  conv2dTile,
  conv2dTileDepth,
  conv2dTiled,
} from '../../../shaders/conv2d_tiled.wgsl.ts';
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import { type DeviceProfile, kindOf } from '../../runtime/device_profile.ts';
import { gpuClassOf } from '../../runtime/gpu_class.ts';
import { costsOf } from './cost.ts';
import { type Conv2dGemm, cover, lowerTiles } from './lower_tiles.ts';

/** Invocations of a workgroup: of a slice along pixels and channels, and slices. */
const WORKGROUPS: readonly Pick<Conv2dTiledConfig, 'threads' | 'slices'>[] = [
  { threads: [8, 8], slices: 1 },
  { threads: [8, 8], slices: 2 },
  { threads: [8, 8], slices: 4 },
  { threads: [8, 16], slices: 1 },
  { threads: [16, 8], slices: 1 },
  { threads: [4, 8], slices: 4 },
  { threads: [4, 4], slices: 4 },
  { threads: [4, 4], slices: 8 },
  // For outputs of a few tiles: all invocations of a workgroup share one, which saves a second dispatch.
  { threads: [4, 4], slices: 16 },
];

/** Outputs of an invocation and depth, the best first: the more outputs, the fewer loads for a multiply-add. */
const SHAPES = [2, 1].flatMap((pixelQuads) =>
  [8, 4].map((depth) => ({ pixelQuads, channelQuads: 2, depth })),
);

/** For groups of few channels, of which wider tiles would compute mostly padding. */
const FEW_CHANNELS: Omit<Conv2dTiledConfig, 'unroll' | 'prefetch'> = {
  ...{ threads: [16, 4], slices: 1 },
  ...{ pixelQuads: 1, channelQuads: 1, depth: 16 },
};

/** Compilers of CPU adapters take minutes for what GPUs like best; there this kernel is for checks only. */
const FOR_CPU_ADAPTERS: Conv2dTiledConfig = {
  threads: [8, 8],
  slices: 1,
  pixelQuads: 1,
  channelQuads: 1,
  depth: 8,
  unroll: 1,
  prefetch: true,
};

/** What a compute unit is assumed to have; for the ranking only. */
const UNIT = {
  /** Multiply-adds in a cycle. */
  multiplyAdds: 128,
  /** Bytes from the second-level cache in a cycle. */
  bytes: 64,
  /** Invocations that it needs at work, to hide the latency of those that wait. */
  invocations: 256,
  /** Cycles to start a workgroup, to fetch its first tiles and to store its output; to add up slices. */
  start: 1000,
  addUp: 800,
} as const;

/** Of workgroup memory: with more, too few workgroups run at a time. */
const MOST_BYTES = 16384;

/** Words that an invocation holds: its sums, what it fetches and multiplies, and some twenty more. */
function registersOf(config: Conv2dTiledConfig): number {
  const { pixelQuads, channelQuads, threads, depth } = config;
  const tile = conv2dTile(config);
  const sums = 16 * pixelQuads * channelQuads;
  const operands = 4 * (pixelQuads + channelQuads);
  const fetched = ((tile.pixels + tile.channels) * depth) / (threads[0] * threads[1]);
  const both = config.prefetch ? fetched + operands : Math.max(fetched, operands);
  return sums + both + 20;
}

function fits(config: Conv2dTiledConfig, registers: number, { limits }: DeviceProfile): boolean {
  const { threads, slices, depth } = config;
  const tile = conv2dTile(config);
  const rows = conv2dTileDepth(config);
  const invocations = threads[0] * threads[1] * slices;
  const bytes = 4 * rows * (tile.pixels + tile.channels);
  return (
    // Each fetches as many fours of a tile as the others.
    (rows * tile.pixels) % (4 * invocations) === 0 &&
    (rows * tile.channels) % (4 * invocations) === 0 &&
    registersOf(config) <= registers &&
    // The slices are added up in the x tile.
    (slices === 1 || depth >= threads[1]) &&
    invocations <= limits.maxComputeInvocationsPerWorkgroup &&
    bytes <= Math.min(MOST_BYTES, limits.maxComputeWorkgroupStorageSize)
  );
}

/** The largest shape that fits, for each workgroup. */
function configsFor(device: DeviceProfile): readonly Conv2dTiledConfig[] {
  if (kindOf(device) === 'cpu') return [FOR_CPU_ADAPTERS];
  const { registers, prefetch, unroll } = gpuClassOf(device);
  const shapes = WORKGROUPS.map((workgroup) => SHAPES.map((shape) => ({ ...workgroup, ...shape })));
  return [...shapes, [FEW_CHANNELS]].flatMap((row) =>
    row
      .map((shape) => ({ ...shape, unroll, prefetch }))
      .filter((config) => fits(config, registers, device))
      .slice(0, 1),
  );
}

/** Cycles, about: what the busiest unit computes or loads. */
function cyclesOf(g: Conv2dProblem, config: Conv2dTiledConfig, units: number): number {
  const tile = conv2dTile(config);
  const depth = conv2dTileDepth(config);
  const k = (g.inputChannels / g.groups) * g.kernel[0] * g.kernel[1];
  // One step more than k has: the first tiles are fetched while nothing is multiplied.
  const rows = (Math.ceil(k / depth) + 1) * depth;
  const invocations = config.threads[0] * config.threads[1] * config.slices;
  const tilesOfUnit = Math.ceil(cover(g, tile).tiles / units);
  const atWork = Math.min(1, (tilesOfUnit * invocations) / UNIT.invocations);
  // Loads from workgroup memory keep up with 16 multiply-adds for each; with fewer, they are the limit.
  const perLoad =
    (16 * config.pixelQuads * config.channelQuads) / (config.pixelQuads + config.channelQuads);
  const slowdown = Math.max(1, 16 / perLoad) / atWork;
  const compute = ((tile.pixels * tile.channels * rows) / UNIT.multiplyAdds) * slowdown;
  const load = (4 * (tile.pixels + tile.channels) * rows) / UNIT.bytes;
  const ends = UNIT.start + (config.slices > 1 ? UNIT.addUp : 0);
  return tilesOfUnit * Math.max(compute, load) + ends;
}

export const tiledGemm: Conv2dGemm<Conv2dTiledConfig> = {
  inside: 'gpu',
  configs(g, device) {
    const { units } = gpuClassOf(device);
    return configsFor(device).toSorted((a, b) => cyclesOf(g, a, units) - cyclesOf(g, b, units));
  },
  cost(g, config, device) {
    // In multiply-adds of the whole device.
    const { units } = gpuClassOf(device);
    return costsOf(device).dispatch + cyclesOf(g, config, units) * units * UNIT.multiplyAdds;
  },
  lower(g, config, device) {
    const padding = { tapDepth: 1, depth: conv2dTileDepth(config), blocked: false };
    return lowerTiles(g, device, conv2dTile(config), padding, (grid) =>
      conv2dTiled(g, config, grid),
    );
  },
};
