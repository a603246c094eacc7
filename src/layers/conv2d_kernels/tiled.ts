/** conv2d_tiled: which workgroup tile to use for a convolution. */
import {
  type Conv2dTiledConfig,
  conv2dTile,
  conv2dTileDepth,
  conv2dTiled,
} from '../../../shaders/conv2d_tiled.wgsl.ts';
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import { type DeviceProfile, kindOf } from '../../runtime/device_profile.ts';
import { type GpuClass, gpuClassOf } from '../../runtime/gpu_class.ts';
import { costsOf } from './cost.ts';
import { type Conv2dGemm, cover, lowerTiles } from './lower_tiles.ts';

/** Invocations of a workgroup: of a slice along pixels and channels, and slices. */
const WORKGROUPS: readonly Pick<Conv2dTiledConfig, 'threads' | 'slices'>[] = [
  { threads: [8, 8], slices: 1 },
  { threads: [8, 8], slices: 2 },
  { threads: [16, 8], slices: 1 },
  // For groups of few channels, of which wider tiles would compute mostly padding.
  { threads: [16, 4], slices: 1 },
  { threads: [8, 4], slices: 4 },
  { threads: [4, 8], slices: 8 },
  { threads: [4, 4], slices: 8 },
  // For outputs of a few tiles: all invocations of a workgroup share one, which saves a second dispatch.
  { threads: [4, 4], slices: 16 },
];

/**
 * Outputs of an invocation, with depths, of which the first that fits is taken: the more outputs, the fewer loads for a
 * multiply-add; the fewer, the more invocations there are to wait for memory together.
 */
const SHAPES = [
  { pixelQuads: 2, channelQuads: 2, depths: [16, 8, 4] },
  { pixelQuads: 1, channelQuads: 2, depths: [8, 4] },
  { pixelQuads: 1, channelQuads: 1, depths: [16, 8] },
] as const;

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

/*
 * What a compute unit does, as fitted to 3,600 times of ResNet-50's layers on an NVIDIA H200; see
 * docs/decisions/0085-a-measured-gpu.md. For the ranking only.
 */

/** Multiply-adds in a cycle, if it did nothing else. */
const MULTIPLY_ADDS = 128;
/** Cycles of a multiply-add: with what belongs to the loop, and for each load from workgroup memory that it needs. */
const LOOP = 1.5;
const SHARED_LOAD = 4;
/** Bytes from the second-level cache in a cycle. */
const BYTES = 32;
/** Invocations that run together, and those that it needs to hide the latency of their instructions. */
const TOGETHER = 900;
const ENOUGH = 360;
/** Cycles that a workgroup waits in each step. */
const WAIT = 300;
/** Cycles to start a workgroup and to store its output; to add up 16 outputs of an invocation's slices. */
const START = 2500;
const ADD_UP = 500;

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

function fits(config: Conv2dTiledConfig, gpu: GpuClass, { limits }: DeviceProfile): boolean {
  const { threads, slices, depth } = config;
  const tile = conv2dTile(config);
  const rows = conv2dTileDepth(config);
  const invocations = threads[0] * threads[1] * slices;
  const bytes = 4 * rows * (tile.pixels + tile.channels);
  return (
    // Each fetches as many fours of a tile as the others.
    (rows * tile.pixels) % (4 * invocations) === 0 &&
    (rows * tile.channels) % (4 * invocations) === 0 &&
    registersOf(config) <= gpu.registers &&
    // The slices are added up in the x tile.
    (slices === 1 || depth >= threads[1]) &&
    invocations <= limits.maxComputeInvocationsPerWorkgroup &&
    bytes <= Math.min(gpu.workgroupBytes, limits.maxComputeWorkgroupStorageSize)
  );
}

/** Each shape for each workgroup, as deep as fits. */
function configsFor(device: DeviceProfile): readonly Conv2dTiledConfig[] {
  if (kindOf(device) === 'cpu') return [FOR_CPU_ADAPTERS];
  const gpu = gpuClassOf(device);
  const { prefetch, unroll } = gpu;
  return WORKGROUPS.flatMap((workgroup) =>
    SHAPES.flatMap(({ depths, ...outputs }) =>
      depths
        .map((depth) => ({ ...workgroup, ...outputs, depth, unroll, prefetch }))
        .filter((config) => fits(config, gpu, device))
        .slice(0, 1),
    ),
  );
}

/** Cycles, about, that all the tiles of a unit take. Fractions of tiles, since how many units there are is a guess. */
function cyclesOf(g: Conv2dProblem, config: Conv2dTiledConfig, units: number): number {
  const { threads, slices, pixelQuads, channelQuads } = config;
  const tile = conv2dTile(config);
  const depth = conv2dTileDepth(config);
  const k = (g.inputChannels / g.groups) * g.kernel[0] * g.kernel[1];
  // One step more than k has: the first tiles are fetched while nothing is multiplied.
  const steps = Math.ceil(k / depth) + 1;
  const invocations = threads[0] * threads[1] * slices;
  const outputs = 16 * pixelQuads * channelQuads;
  const tiles = Math.max(1, cover(g, tile).tiles / units);
  const together = Math.min(tiles, Math.max(1, Math.floor(TOGETHER / invocations)));
  const slots = LOOP + (SHARED_LOAD * (pixelQuads + channelQuads)) / outputs;
  const multiply = ((tile.pixels * tile.channels * depth) / MULTIPLY_ADDS) * slots;
  const load = (4 * (tile.pixels + tile.channels) * depth) / BYTES;
  const exposed = Math.max(together, ENOUGH / invocations);
  const step = Math.max(WAIT + multiply, exposed * multiply, together * load);
  const ends = START + (slices > 1 ? (ADD_UP * outputs) / 16 : 0);
  return (tiles / together) * (ends + steps * step);
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
    return costsOf(device).dispatch + cyclesOf(g, config, units) * units * MULTIPLY_ADDS;
  },
  lower(g, config, device) {
    const padding = { tapDepth: 1, depth: conv2dTileDepth(config), blocked: false };
    return lowerTiles(g, device, conv2dTile(config), padding, (grid) =>
      conv2dTiled(g, config, grid),
    );
  },
};
