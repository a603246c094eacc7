/** conv2d_winograd: 3x3 convolutions of stride 1 with fewer multiplications. */
import {
  WINOGRAD_THREADS,
  type WinogradTile,
  type WinogradTiling,
  winogradInput,
  winogradOutput,
} from '../../../shaders/conv2d_winograd.wgsl.ts';
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import { type DeviceProfile, kindOf, largestBuffer } from '../../runtime/device_profile.ts';
import { type Kernel, kernel, type Repack } from '../../runtime/kernel.ts';
import { inOrder } from '../bindings.ts';
import type { Conv2dRole } from '../conv2d_problem.ts';
import { dispatchOf } from '../dispatch.ts';
import { costsOf } from './cost.ts';
import { type Conv2dGemm, rebind, repackWeight, type WeightPadding } from './lower_tiles.ts';

export interface WinogradConfig<C extends object> {
  readonly tile: WinogradTile;
  /** Of the GEMM inside. */
  readonly gemm: C;
}

/** G of F(tile, 3): what turns three weights into tile + 2. */
const KERNEL_TRANSFORM: Readonly<Record<WinogradTile, readonly (readonly number[])[]>> = {
  2: [
    [1, 0, 0],
    [1 / 2, -1 / 2, 1 / 2],
    [1 / 2, 1 / 2, 1 / 2],
    [0, 0, 1],
  ],
  4: [
    [1, 0, 0],
    [-2 / 3, -Math.SQRT2 / 3, -1 / 3],
    [-2 / 3, Math.SQRT2 / 3, -1 / 3],
    [1 / 6, Math.SQRT2 / 6, 1 / 3],
    [1 / 6, -Math.SQRT2 / 6, 1 / 3],
    [0, 0, 1],
  ],
};

const TILES: readonly WinogradTile[] = [4, 2];

function positionsOf(tile: WinogradTile): number {
  return (tile + 2) ** 2;
}

function tilingOf(g: Conv2dProblem, tile: WinogradTile): WinogradTiling {
  const tilesDown = Math.ceil(g.outputHeight / tile);
  const tilesAcross = Math.ceil(g.outputWidth / tile);
  const tiles = g.batch * tilesDown * tilesAcross;
  return { tile, tilesDown, tilesAcross, tiles, pitch: Math.ceil(tiles / 4) * 4 };
}

/** The GEMMs of all positions: a 1x1 convolution with a group for each. */
export function winogradGemm(g: Conv2dProblem, tile: WinogradTile): Conv2dProblem {
  const { pitch } = tilingOf(g, tile);
  const groups = positionsOf(tile);
  return {
    batch: 1,
    inputChannels: groups * g.inputChannels,
    inputHeight: 1,
    inputWidth: pitch,
    outputChannels: groups * g.outputChannels,
    outputHeight: 1,
    outputWidth: pitch,
    groups,
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    padding: { top: 0, left: 0 },
    padded: false,
    bias: false,
    epilogue: undefined,
    xStrides: { offset: 0, image: 0, channel: pitch },
    yStrides: { offset: 0, image: pitch, channel: pitch },
    columns: true,
    types: g.types,
  };
}

/** Bytes of what lies between the dispatches. */
function scratchOf(g: Conv2dProblem, tiling: WinogradTiling): { fields: number; products: number } {
  const rows = 4 * positionsOf(tiling.tile) * tiling.pitch;
  return { fields: rows * g.inputChannels, products: rows * g.outputChannels };
}

/** U = G g G^T for every pair of channels, in f64, then as the GEMM wants it. */
function repackKernels(g: Conv2dProblem, tiling: WinogradTiling, padding: WeightPadding): Repack {
  const { tile } = tiling;
  const inner = repackWeight(winogradGemm(g, tiling.tile), padding);
  return {
    arrangement: `winograd ${tile} ${inner.arrangement}`,
    length: inner.length,
    pack: (data) => inner.pack(transformKernels(data, tile)),
  };
}

/** [channel pair][3][3] to [position][channel pair]. */
function transformKernels(data: Float32Array, tile: WinogradTile): Float32Array {
  const coefficients = Float64Array.from(KERNEL_TRANSFORM[tile].flat());
  const field = tile + 2;
  const pairs = data.length / 9;
  const transformed = new Float32Array(field * field * pairs);
  const half = new Float64Array(field * 3);
  for (let pair = 0; pair < pairs; pair++) {
    multiply(coefficients, field, data, pair * 9, half);
    for (let i = 0; i < field; i++) {
      for (let j = 0; j < field; j++) {
        let sum = 0;
        for (let k = 0; k < 3; k++) sum += (half[i * 3 + k] ?? 0) * (coefficients[j * 3 + k] ?? 0);
        transformed[(i * field + j) * pairs + pair] = sum;
      }
    }
  }
  return transformed;
}

/** G g: rows x 3 coefficients times the 3 x 3 weights at `from`. */
function multiply(
  coefficients: Float64Array,
  rows: number,
  data: Float32Array,
  from: number,
  product: Float64Array,
): void {
  for (let i = 0; i < rows; i++) {
    for (let column = 0; column < 3; column++) {
      let sum = 0;
      for (let k = 0; k < 3; k++) {
        sum += (coefficients[i * 3 + k] ?? 0) * (data[from + k * 3 + column] ?? 0);
      }
      product[i * 3 + column] = sum;
    }
  }
}

/** What the last dispatch binds besides the operands of its epilogue: products, bias, y, x and the weights. */
const OUTPUT_BINDINGS = 5;

function supports(g: Conv2dProblem, { limits }: DeviceProfile): boolean {
  const operands = g.epilogue?.operands ?? [];
  const types = [...Object.values(g.types), ...operands.map(({ type }) => type)];
  return (
    OUTPUT_BINDINGS + operands.length <= limits.maxStorageBuffersPerShaderStage &&
    // In f16 the transform back would magnify the rounding of the weights: see docs/decisions/0054-f16.md.
    types.every((type) => type === 'f32') &&
    g.groups === 1 &&
    g.kernel.every((extent) => extent === 3) &&
    [...g.stride, ...g.dilation].every((step) => step === 1)
  );
}

/** Whether what it stores fits buffers; tiles of 4 store more than tiles of 2 where maps are smaller than they. */
function fits(g: Conv2dProblem, tile: WinogradTile, device: DeviceProfile): boolean {
  const { fields, products } = scratchOf(g, tilingOf(g, tile));
  // Weights grow up to 36 times; the rest is for what pads them.
  const weights = 4 * 64 * g.inputChannels * g.outputChannels;
  return Math.max(fields, products, weights) <= largestBuffer(device);
}

export function winogradOn<C extends object>(gemm: Conv2dGemm<C>): Kernel<Conv2dProblem> {
  return kernel({
    name: 'conv2d_winograd',
    supports: (g, device) => kindOf(device) === gemm.inside && supports(g, device),
    configs: (g, device): readonly WinogradConfig<C>[] =>
      TILES.filter((tile) => fits(g, tile, device)).flatMap((tile) =>
        gemm.configs(winogradGemm(g, tile), device).map((config) => ({ tile, gemm: config })),
      ),
    cost(g, { tile, gemm: config }, device) {
      const costs = costsOf(device);
      const tiling = tilingOf(g, tile);
      const positions = positionsOf(tile);
      const input = positions * (costs.gather + costs.store);
      const output = positions * costs.load + tile * tile * costs.store;
      const transforms = tiling.pitch * (g.inputChannels * input + g.outputChannels * output);
      const products = gemm.cost(winogradGemm(g, tile), config, device);
      return 2 * costs.dispatch + transforms + products;
    },
    lower(g, { tile, gemm: config }, device) {
      const tiling = tilingOf(g, tile);
      const looped = kindOf(device) === 'cpu';
      const { dispatch, padding } = gemm.lower(winogradGemm(g, tile), config, device);
      const workgroups = (channels: number): number =>
        Math.ceil((channels * tiling.pitch) / WINOGRAD_THREADS);
      const input = inOrder<Conv2dRole | 'fields'>(['x'], 'fields');
      const reads = ['products', g.bias ? 'bias' : null, 'x', 'weight'] as const;
      const output = inOrder<Conv2dRole | 'products'>(reads, 'y');
      const weight = repackKernels(g, tiling, padding);
      const position = weight.length / positionsOf(tile);
      const weights = { block: padding.block, rows: position / padding.columns, position };
      return {
        dispatches: [
          dispatchOf(device, workgroups(g.inputChannels), input, (grid) =>
            winogradInput(g, tiling, grid, looped),
          ),
          rebind(dispatch, { x: 'fields', y: 'products' }),
          {
            ...dispatchOf(device, workgroups(g.outputChannels), output, (grid) =>
              winogradOutput(g, tiling, weights, grid, looped),
            ),
            rarely: ['x', 'weight'],
          },
        ],
        repack: { weight },
        scratch: { ...scratchOf(g, tiling) },
      };
    },
  });
}
