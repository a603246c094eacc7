/** conv2d_depthwise: a group for every input channel. */
import {
  type Conv2dDepthwiseConfig,
  conv2dDepthwise,
  depthwiseDimensions,
  depthwisePatch,
  depthwiseWorkgroups,
} from '../../../shaders/conv2d_depthwise.wgsl.ts';
import type { Conv2dGeometry } from '../../../shaders/lib/conv2d_geometry.ts';
import { DIMENSIONS_SLOT } from '../../../shaders/lib/dimensions.ts';
import { gridOf } from '../../../shaders/lib/grid.ts';
import type { DeviceProfile, KernelDef } from '../../runtime/operator.ts';
import { inOrder } from '../bindings.ts';
import { type Conv2dAttributes, geometryOf } from '../conv2d_geometry.ts';
import { costsOf } from './cost.ts';

/** [rows, pixels] of an invocation. */
const TILES: readonly (readonly [number, number])[] = [
  [4, 4],
  [2, 4],
  [1, 4],
  [2, 2],
  [1, 1],
];

/** What one invocation holds of x at most, and unrolls: larger windows are left to the other kernels. */
const MOST_VALUES = 128;
/** Larger patches took llvmpipe up to 2.7 s to compile, which a first run would wait for. */
const MOST_VALUES_ON_CPU = 50;
const MOST_MULTIPLY_ADDS = 512;

/** Invocations of a workgroup on a GPU. */
const GPU_LANES = 64;

function fits(g: Conv2dGeometry, config: Conv2dDepthwiseConfig, { kind }: DeviceProfile): boolean {
  const [height, width] = depthwisePatch(g, config);
  const multiplyAdds = g.kernel[0] * g.kernel[1] * config.rows * config.pixels;
  const most = kind === 'cpu' ? MOST_VALUES_ON_CPU : MOST_VALUES;
  return height * width <= most && multiplyAdds <= MOST_MULTIPLY_ADDS;
}

function configsFor(g: Conv2dGeometry, device: DeviceProfile): readonly Conv2dDepthwiseConfig[] {
  const onCpu = device.kind === 'cpu';
  return TILES.map(([rows, pixels]) => ({
    lanes: onCpu ? (device.subgroupSize ?? 8) : GPU_LANES,
    rows,
    pixels,
    byPlane: onCpu,
    bound: costsOf(device).bound,
  })).filter((config) => fits(g, config, device));
}

function costOf(g: Conv2dGeometry, config: Conv2dDepthwiseConfig, device: DeviceProfile): number {
  const costs = costsOf(device);
  const [height, width] = depthwisePatch(g, config);
  const taps = g.kernel[0] * g.kernel[1];
  const outputs = config.rows * config.pixels;
  const lane = height * width * costs.gather + taps * costs.load + outputs * (taps + costs.store);
  return costs.dispatch + depthwiseWorkgroups(g, config) * config.lanes * lane;
}

export const depthwise: KernelDef<Conv2dAttributes, Conv2dDepthwiseConfig> = {
  name: 'conv2d_depthwise',
  supports(node, device) {
    const g = geometryOf(node);
    return g.groups === g.inputChannels && configsFor(g, device).length > 0;
  },
  configs(node, device) {
    const g = geometryOf(node);
    const cost = (config: Conv2dDepthwiseConfig): number => costOf(g, config, device);
    return configsFor(g, device).toSorted((a, b) => cost(a) - cost(b));
  },
  cost: (node, config, device) => costOf(geometryOf(node), config, device),
  lower(node, config, device) {
    const g = geometryOf(node);
    const workgroups = depthwiseWorkgroups(g, config);
    const grid = gridOf(workgroups, device.limits.maxComputeWorkgroupsPerDimension);
    const sizes = depthwiseDimensions(g, config, grid);
    const { words } = sizes;
    return {
      dispatches: [
        {
          source: conv2dDepthwise(g, config, sizes),
          bindings: inOrder(
            ['x', 'weight', g.bias ? 'bias' : null, g.residual ? 'residual' : null],
            'y',
          ),
          workgroups: [grid.columns, grid.rows, 1],
          ...(words && { dimensions: { slot: DIMENSIONS_SLOT, words } }),
        },
      ],
    };
  },
};
