/** What convolution kernels that cut their output into tiles have in common: weights, bindings, grid. */
import { type Conv2dProblem, outputPixels } from '../../../shaders/lib/conv2d_problem.ts';
import type { ShaderModule } from '../../../shaders/lib/dimensions.ts';
import type { Grid } from '../../../shaders/lib/grid.ts';
import type { DeviceKind, DeviceProfile } from '../../runtime/device_profile.ts';
import type { KernelDispatch, Repack } from '../../runtime/kernel.ts';
import { inOrder } from '../bindings.ts';
import type { Conv2dRole } from '../conv2d_problem.ts';
import { dispatchOf } from '../dispatch.ts';

/** A way to compute a convolution in one dispatch: the GEMM inside all algorithms. */
export interface Conv2dGemm<C extends object> {
  /** The kind of device it is for, where it also multiplies inside the algorithms of several dispatches. */
  readonly inside: DeviceKind;
  /** Configurations worth trying, the best guess first. */
  readonly configs: (g: Conv2dProblem, device: DeviceProfile) => readonly C[];
  /** How long it takes, in multiply-adds; see cost.ts. */
  readonly cost: (g: Conv2dProblem, config: C, device: DeviceProfile) => number;
  readonly lower: (g: Conv2dProblem, config: C, device: DeviceProfile) => Conv2dDispatch;
}

/** One dispatch that binds `x`, `weight`, `bias`, `y` and the operands of the epilogue. */
export interface Conv2dDispatch {
  readonly dispatch: KernelDispatch;
  /** How the weights must be arranged. */
  readonly padding: WeightPadding;
}

export interface WeightPadding {
  /** Rows of a tap are padded to a multiple of it. */
  readonly tapDepth: number;
  /** Rows of a group are padded to a multiple of it. */
  readonly depth: number;
  /** Columns of a group, padding included. */
  readonly columns: number;
  /** Columns that lie together for all rows: divides `columns`. */
  readonly block: number;
  /** Rows of a column that lie together: divides `depth`, and is 1 by default. */
  readonly run?: number;
}

/**
 * The order all these kernels read weights in: [group][block][tap][input channel][output channel of the block],
 * with each group's rows and columns padded by zeros. Rows, which taps and input channels number, may lie together in
 * runs: [group][block][run][output channel of the block][row of the run].
 */
export function repackWeight(
  g: Conv2dProblem,
  { tapDepth, depth, columns, block, run = 1 }: WeightPadding,
): Repack {
  const taps = g.kernel[0] * g.kernel[1];
  const groupIn = g.inputChannels / g.groups;
  const groupOut = g.outputChannels / g.groups;
  const tapRows = Math.ceil(groupIn / tapDepth) * tapDepth;
  const rows = Math.ceil((taps * tapRows) / depth) * depth;
  return {
    arrangement: `weight ${[g.groups, tapRows, rows, columns, block, run]}`,
    length: g.groups * rows * columns,
    pack(data) {
      const packed = new Float32Array(g.groups * rows * columns);
      for (let o = 0; o < g.outputChannels; o++) {
        const group = Math.floor(o / groupOut);
        const column = o % groupOut;
        const place = column % block;
        const start = (group * columns + column - place) * rows;
        for (let c = 0; c < groupIn; c++) {
          for (let tap = 0; tap < taps; tap++) {
            const row = tap * tapRows + c;
            const at = (row - (row % run)) * block + place * run + (row % run);
            packed[start + at] = data[(o * groupIn + c) * taps + tap] ?? 0;
          }
        }
      }
      return packed;
    },
  };
}

export function repackBias(g: Conv2dProblem, { columns }: WeightPadding): Repack {
  const groupOut = g.outputChannels / g.groups;
  return {
    arrangement: `bias ${[g.groups, columns]}`,
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

/** Weights and bias in the order that a dispatch of this problem reads them in. */
export function repackConstants(
  g: Conv2dProblem,
  padding: WeightPadding,
): Readonly<Partial<Record<Conv2dRole, Repack>>> {
  const weight = repackWeight(g, padding);
  return g.bias ? { weight, bias: repackBias(g, padding) } : { weight };
}

/** The same dispatch with other values bound: `{ x: 'columns' }` binds the scratch `columns` for `x`. */
export function rebind(
  dispatch: KernelDispatch,
  values: Readonly<Partial<Record<string, string>>>,
): KernelDispatch {
  const rebound = dispatch.bindings.map((b) => ({ ...b, value: values[b.value] ?? b.value }));
  return { ...dispatch, bindings: rebound };
}

export interface Tile {
  readonly pixels: number;
  readonly channels: number;
}

/** How many tiles cover the output, and how large a part of their area is output. */
export function cover(
  g: Conv2dProblem,
  tile: Tile,
): { readonly tiles: number; readonly use: number } {
  const pixels = outputPixels(g);
  const channels = g.outputChannels / g.groups;
  const tiles = Math.ceil(pixels / tile.pixels) * Math.ceil(channels / tile.channels);
  return {
    tiles: tiles * g.groups,
    use: (pixels * channels) / (tiles * tile.pixels * tile.channels),
  };
}

/** One workgroup a tile. `blocked` weights lie together for each tile's channels. */
export function lowerTiles(
  g: Conv2dProblem,
  device: DeviceProfile,
  tile: Tile,
  { blocked, ...rows }: Omit<WeightPadding, 'columns' | 'block'> & { readonly blocked: boolean },
  module: (grid: Grid) => ShaderModule,
): Conv2dDispatch {
  const bindings = inOrder<Conv2dRole>(['x', 'weight', g.bias ? 'bias' : null], 'y');
  const columns = Math.ceil(g.outputChannels / g.groups / tile.channels) * tile.channels;
  return {
    dispatch: dispatchOf(device, cover(g, tile).tiles, bindings, module),
    padding: { ...rows, columns, block: blocked ? tile.channels : columns },
  };
}
