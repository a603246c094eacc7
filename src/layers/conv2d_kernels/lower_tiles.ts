/** What convolution kernels that cut their output into tiles have in common: weights, bindings, grid. */
import { type Conv2dGeometry, outputPixels } from '../../../shaders/lib/conv2d_geometry.ts';
import { type Grid, gridOf } from '../../../shaders/lib/grid.ts';
import type { Node } from '../../runtime/graph.ts';
import type { Binding, DeviceProfile, Lowering, Repack } from '../../runtime/operator.ts';
import { type Conv2dAttributes, geometryOf } from '../conv2d_geometry.ts';

/**
 * The order both kernels read weights in: [group][tap][input channel][output channel], with each group's
 * rows padded by zeros to a multiple of `depth` and its columns to `columns`.
 */
export function repackWeight(g: Conv2dGeometry, depth: number, columns: number): Repack {
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

export function repackBias(g: Conv2dGeometry, columns: number): Repack {
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

export function bindings(g: Conv2dGeometry): readonly Binding[] {
  const all: Binding[] = [
    { slot: 0, value: 'x', access: 'read' },
    { slot: 1, value: 'weight', access: 'read' },
  ];
  if (g.bias) all.push({ slot: 2, value: 'bias', access: 'read' });
  if (g.residual) all.push({ slot: 3, value: 'residual', access: 'read' });
  all.push({ slot: 4, value: 'y', access: 'read_write' });
  return all;
}

export interface Tile {
  readonly pixels: number;
  readonly channels: number;
}

/** How many tiles cover the output, and how large a part of their area is output. */
export function cover(
  g: Conv2dGeometry,
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

export function lowerTiles(
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
