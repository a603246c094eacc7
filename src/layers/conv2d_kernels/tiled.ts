/** conv2d_tiled: which workgroup tile to use for a convolution. */
import {
  type Conv2dTiledConfig,
  conv2dTile,
  conv2dTileDepth,
  conv2dTiled,
} from '../../../shaders/conv2d_tiled.wgsl.ts';
import { type Conv2dProblem, gathersFours, tapsOf } from '../../../shaders/lib/conv2d_problem.ts';
import { type DeviceProfile, kindOf } from '../../runtime/device_profile.ts';
import { type GpuClass, gpuClassOf } from '../../runtime/gpu_class.ts';
import { costsOf } from './cost.ts';
import { type Conv2dGemm, cover, lowerTiles } from './lower_tiles.ts';

/** [invocations of a slice along pixels, along channels, slices] of a workgroup. */
const WORKGROUPS = [
  [8, 8, 1],
  [8, 8, 2],
  [16, 8, 1],
  // For groups of few channels, of which wider tiles would compute mostly padding.
  [16, 4, 1],
  [8, 4, 4],
  [4, 8, 8],
  [4, 4, 8],
  // For outputs of a few tiles: all invocations of a workgroup share one, which saves a second dispatch.
  [4, 4, 16],
] as const;

/**
 * [fours of pixels, fours of channels, depths] of an invocation; the first depth that fits is taken. The more outputs,
 * the fewer loads for a multiply-add; the fewer, the more invocations there are to wait for memory together.
 */
const SHAPES = [
  [2, 2, [16, 8, 4]],
  [1, 2, [8, 4]],
  [1, 1, [16, 8]],
] as const;

/*
 * What a compute unit does, as fitted to 7,176 times of ResNet-50's layers on an NVIDIA H200; see
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

/** Words beside sums and what is multiplied, as fitted: more for more places in x, images and slices. */
function othersOf(g: Conv2dProblem, config: Conv2dTiledConfig, inFours: boolean): number {
  const { fetch, slices } = config;
  if (inFours && slices === 1) return 18;
  const elementwise = tapsOf(g, conv2dTileDepth(config)) === 'element';
  if (elementwise && (fetch === 'ahead' || g.batch > 1 || slices > 1)) return 24;
  return g.batch > 1 && slices > 1 ? 21 : 20;
}

function fits(
  g: Conv2dProblem,
  config: Conv2dTiledConfig,
  gpu: GpuClass,
  { limits }: DeviceProfile,
  inFours: boolean,
): boolean {
  const { pixelQuads, channelQuads, depth, slices, fetch } = config;
  const [m, n] = config.threads;
  const invocations = m * n * slices;
  // Words that an invocation fetches in a step, of both tiles; and those that it multiplies.
  const fetched = 4 * depth * (pixelQuads / n + channelQuads / m);
  const operands = 4 * (pixelQuads + channelQuads);
  const held = {
    ahead: fetched + operands,
    together: Math.max(fetched, operands),
    'in turn': operands,
  };
  return (
    // Where x is gathered word by word, the workgroup fetches whole rows of its tile.
    (inFours || (n * slices) % (4 * pixelQuads) === 0) &&
    // Whole fours of each tile.
    (depth * pixelQuads) % n === 0 &&
    (depth * channelQuads) % m === 0 &&
    16 * pixelQuads * channelQuads + held[fetch] + othersOf(g, config, inFours) <= gpu.registers &&
    // A row of sums of all slices fits the x tile.
    (slices === 1 || depth >= n) &&
    invocations <= limits.maxComputeInvocationsPerWorkgroup &&
    4 * fetched * invocations <= Math.min(gpu.workgroupBytes, limits.maxComputeWorkgroupStorageSize)
  );
}

/** Each shape for each workgroup, as deep as fits. */
function configsFor(g: Conv2dProblem, device: DeviceProfile): readonly Conv2dTiledConfig[] {
  const gpu = gpuClassOf(device);
  const inFours = gathersFours(g);
  const { fetch, unroll } = gpu;
  const configs = WORKGROUPS.flatMap(([m, n, slices]) =>
    SHAPES.flatMap(([pixelQuads, channelQuads, depths]) =>
      (fetch === 'ahead' ? depths : [16, 8, 4])
        .map((depth): Conv2dTiledConfig => {
          const shape = { pixelQuads, channelQuads, depth };
          return { threads: [m, n], slices, ...shape, unroll, fetch };
        })
        .filter((config) => fits(g, config, gpu, device, inFours))
        .slice(0, 1),
    ),
  );
  // Compilers of CPU adapters take minutes for what GPUs like best; there this kernel is for checks only, and 4 x 4
  // outputs are enough.
  const small = ({ channelQuads }: Conv2dTiledConfig): boolean => channelQuads === 1;
  return kindOf(device) === 'cpu' ? configs.filter(small).slice(0, 1) : configs;
}

/** Cycles, about, that all the tiles of a unit take. Fractions of tiles, since how many units there are is a guess. */
function cyclesOf(g: Conv2dProblem, config: Conv2dTiledConfig, units: number): number {
  const { pixelQuads, channelQuads, slices, threads } = config;
  const tile = conv2dTile(config);
  const depth = conv2dTileDepth(config);
  const k = (g.inputChannels / g.groups) * g.kernel[0] * g.kernel[1];
  // One step more than k has: the first tiles are fetched while nothing is multiplied.
  const steps = Math.ceil(k / depth) + 1;
  const invocations = threads[0] * threads[1] * slices;
  const outputs = 16 * pixelQuads * channelQuads;
  const tiles = Math.max(1, cover(g, tile).tiles / units);
  const together = Math.min(tiles, TOGETHER / invocations);
  const row = LOOP * outputs + SHARED_LOAD * (pixelQuads + channelQuads);
  const multiply = (invocations * config.depth * row) / MULTIPLY_ADDS;
  const load = (4 * (tile.pixels + tile.channels) * depth) / BYTES;
  const exposed = Math.max(together, ENOUGH / invocations);
  const step = Math.max(WAIT + multiply, exposed * multiply, together * load);
  const ends = START + (slices > 1 ? ADD_UP * pixelQuads * channelQuads : 0);
  return (tiles / together) * (ends + steps * step);
}

export const tiledGemm: Conv2dGemm<Conv2dTiledConfig> = {
  inside: 'gpu',
  configs(g, device) {
    const { units } = gpuClassOf(device);
    return configsFor(g, device).toSorted((a, b) => cyclesOf(g, a, units) - cyclesOf(g, b, units));
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
