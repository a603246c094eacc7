/** conv2d_matrix: which workgroup tile to use for a convolution by subgroup matrices. */
import {
  type Conv2dMatrixConfig,
  conv2dMatrix,
  EIGHT,
  fetchesEvenly,
  matrixBytes,
  matrixThreads,
  matrixTile,
  matrixTileDepth,
} from '../../../shaders/conv2d_matrix.wgsl.ts';
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import type { DeviceProfile, SubgroupMatrices } from '../../runtime/device_profile.ts';
import { gpuClassOf } from '../../runtime/gpu_class.ts';
import { costsOf } from './cost.ts';
import { type Conv2dGemm, cover, lowerTiles } from './lower_tiles.ts';

/** A workgroup's tile, in outputs, so that it serves matrices of any size. */
interface Tiling extends Pick<Conv2dMatrixConfig, 'subgroups' | 'slices' | 'depth'> {
  /** Outputs of a subgroup, along channels and along pixels. */
  readonly outputs: readonly [number, number];
}

/** The best guess first where the model finds no difference. */
const TILINGS: readonly Tiling[] = [
  { subgroups: [2, 4], outputs: [64, 32], slices: 1, depth: 32 },
  { subgroups: [4, 4], outputs: [32, 32], slices: 1, depth: 32 },
  { subgroups: [4, 2], outputs: [32, 32], slices: 1, depth: 32 },
  { subgroups: [2, 4], outputs: [32, 32], slices: 1, depth: 32 },
  { subgroups: [2, 2], outputs: [32, 32], slices: 1, depth: 32 },
  { subgroups: [2, 2], outputs: [32, 32], slices: 1, depth: 64 },
  { subgroups: [2, 2], outputs: [32, 32], slices: 2, depth: 32 },
  { subgroups: [1, 4], outputs: [32, 32], slices: 1, depth: 32 },
  { subgroups: [2, 1], outputs: [32, 32], slices: 2, depth: 32 },
  { subgroups: [2, 1], outputs: [32, 32], slices: 4, depth: 32 },
  { subgroups: [1, 1], outputs: [32, 32], slices: 4, depth: 32 },
  { subgroups: [1, 1], outputs: [32, 32], slices: 8, depth: 32 },
];

/**
 * What a compute unit does, as fitted to 662 times of 14 of ResNet-50's layers at batch 1 on an NVIDIA H200; see
 * docs/decisions/0088-sizes-are-bound.md. For the ranking only.
 */
const UNIT = {
  /** Multiply-adds of its matrix units in a cycle, and of its other lanes. */
  matrixMultiplyAdds: 256,
  multiplyAdds: 128,
  /** Bytes from the second-level cache in a cycle. */
  bytes: 16,
  /** Bytes from workgroup memory in a cycle. */
  workgroupBytes: 128,
  /** Instructions of a subgroup that begin in a cycle. */
  issues: 4,
  /** Subgroups that it needs at work, to hide the latency of those that wait. */
  subgroups: 8,
  /** Cycles to start a workgroup, to fetch its first tiles and to store its output. */
  start: 4000,
  /** Cycles of a step that no other work hides: barriers and the way to the cache, where it waits, or fetched ahead. */
  wait: 500,
  ahead: 600,
} as const;

function configsOf(
  { sizes, subgroupSizes: [lanes, widest] }: SubgroupMatrices,
  { limits }: DeviceProfile,
): readonly Conv2dMatrixConfig[] {
  const sized = lanes !== widest;
  return deepest(sizes).flatMap((matrix) =>
    TILINGS.flatMap(({ outputs, ...tiling }) =>
      [true, false].map(
        (prefetch): Conv2dMatrixConfig => ({
          ...{ matrix, lanes, sized, ...tiling, prefetch },
          matrices: [outputs[0] / matrix[0], outputs[1] / matrix[1]],
        }),
      ),
    ).filter((config) => fits(config, limits)),
  );
}

/** Without those of which there are deeper ones: the same in fewer instructions. */
function deepest(sizes: SubgroupMatrices['sizes']): SubgroupMatrices['sizes'] {
  return sizes.filter(
    ([m, n, k]) => !sizes.some((size) => size[0] === m && size[1] === n && size[2] > k),
  );
}

function fits(config: Conv2dMatrixConfig, limits: DeviceProfile['limits']): boolean {
  const { matrix, matrices, depth } = config;
  const threads = matrixThreads(config);
  const weights = matrixTile(config).channels * matrixTileDepth(config);
  return (
    [...matrices, depth / matrix[2], matrix[1] / 4, matrix[2] / EIGHT].every(Number.isInteger) &&
    weights % (EIGHT * threads) === 0 &&
    fetchesEvenly(config, 1) &&
    threads <= limits.maxComputeInvocationsPerWorkgroup &&
    matrixBytes(config) <= limits.maxComputeWorkgroupStorageSize
  );
}

/** Cycles, about: what the busiest unit multiplies, loads, or issues. */
function cyclesOf(g: Conv2dProblem, config: Conv2dMatrixConfig, units: number): number {
  const tile = matrixTile(config);
  const depth = matrixTileDepth(config);
  const k = (g.inputChannels / g.groups) * g.kernel[0] * g.kernel[1];
  const steps = Math.ceil(k / depth);
  const threads = matrixThreads(config);
  const subgroups = threads / config.lanes;
  const tilesOfUnit = Math.max(1, cover(g, tile).tiles / units);
  const atWork = Math.min(1, (tilesOfUnit * subgroups) / UNIT.subgroups);
  const multiply = (tile.pixels * tile.channels * depth) / UNIT.matrixMultiplyAdds;
  const load = (2 * (tile.pixels + tile.channels) * depth) / UNIT.bytes;
  // Each subgroup reads its part of both tiles, and all threads write them.
  const perSubgroup =
    (tile.channels / config.subgroups[0] + tile.pixels / config.subgroups[1]) * depth;
  const shared =
    ((2 * (perSubgroup * subgroups)) / config.slices + 2 * (tile.pixels + tile.channels) * depth) /
    UNIT.workgroupBytes;
  // Elements of x are gathered one by one.
  const issue = (tile.pixels * depth) / config.lanes / UNIT.issues;
  const waiting = config.prefetch ? UNIT.ahead : UNIT.wait;
  const busy = Math.max(multiply, load, shared, issue) / atWork;
  return tilesOfUnit * steps * (busy + waiting / tilesOfUnit) + UNIT.start;
}

/** Only what is stored as f16 is multiplied so: what is stored as f32 would be rounded without anyone asking. */
function isHalf({ types }: Conv2dProblem): boolean {
  return types.x === 'f16' && types.weight === 'f16';
}

export const matrixGemm: Conv2dGemm<Conv2dMatrixConfig> = {
  inside: 'gpu',
  configs(g, device) {
    const { matrices } = device;
    if (!matrices || !isHalf(g)) return [];
    const { units } = gpuClassOf(device);
    return configsOf(matrices, device).toSorted(
      (a, b) => cyclesOf(g, a, units) - cyclesOf(g, b, units),
    );
  },
  cost(g, config, device) {
    // In multiply-adds of the whole device, at the rate of its other lanes.
    const { units } = gpuClassOf(device);
    return costsOf(device).dispatch + cyclesOf(g, config, units) * units * UNIT.multiplyAdds;
  },
  lower(g, config, device) {
    const depth = matrixTileDepth(config);
    const padding = { tapDepth: 1, depth, run: depth, blocked: true };
    return lowerTiles(g, device, matrixTile(config), padding, (grid) =>
      conv2dMatrix(g, config, grid),
    );
  },
};
