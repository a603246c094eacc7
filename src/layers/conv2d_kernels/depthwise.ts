/** conv2d_depthwise: a group for every input channel. */
import {
  type Conv2dDepthwiseConfig,
  conv2dDepthwise,
  depthwisePatch,
  depthwiseWorkgroups,
} from '../../../shaders/conv2d_depthwise.wgsl.ts';
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import { type DeviceProfile, kindOf } from '../../runtime/device_profile.ts';
import { gpuClassOf } from '../../runtime/gpu_class.ts';
import { kernel } from '../../runtime/kernel.ts';
import { inOrder } from '../bindings.ts';
import type { Conv2dRole } from '../conv2d_problem.ts';
import { costsOf } from './cost.ts';
import { dispatchOf } from './dispatch.ts';

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
/** Registers beside the values of x and the sums. */
const OTHER_REGISTERS = 20;
const MOST_MULTIPLY_ADDS = 512;

/** Invocations of a workgroup on a GPU. */
const GPU_LANES = 64;

function fits(g: Conv2dProblem, config: Conv2dDepthwiseConfig, device: DeviceProfile): boolean {
  const [height, width] = depthwisePatch(g, config);
  const multiplyAdds = g.kernel[0] * g.kernel[1] * config.rows * config.pixels;
  const most = kindOf(device) === 'cpu' ? MOST_VALUES_ON_CPU : MOST_VALUES;
  const registers = height * width + config.rows * config.pixels + OTHER_REGISTERS;
  const single = config.rows * config.pixels === 1;
  return (
    height * width <= most &&
    multiplyAdds <= MOST_MULTIPLY_ADDS &&
    (single || kindOf(device) === 'cpu' || registers <= gpuClassOf(device).registers)
  );
}

function configsFor(g: Conv2dProblem, device: DeviceProfile): readonly Conv2dDepthwiseConfig[] {
  const onCpu = kindOf(device) === 'cpu';
  return TILES.map(([rows, pixels]) => ({
    lanes: onCpu ? (device.subgroupSize ?? 8) : GPU_LANES,
    rows,
    pixels,
    byPlane: onCpu,
    bound: costsOf(device).bound,
  })).filter((config) => fits(g, config, device));
}

function costOf(g: Conv2dProblem, config: Conv2dDepthwiseConfig, device: DeviceProfile): number {
  const costs = costsOf(device);
  const [height, width] = depthwisePatch(g, config);
  const taps = g.kernel[0] * g.kernel[1];
  const outputs = config.rows * config.pixels;
  const lane = height * width * costs.gather + taps * costs.load + outputs * (taps + costs.store);
  return costs.dispatch + depthwiseWorkgroups(g, config) * config.lanes * lane;
}

export const depthwise = kernel({
  name: 'conv2d_depthwise',
  supports: ({ groups, inputChannels }: Conv2dProblem) => groups === inputChannels,
  configs(g, device) {
    const cost = (config: Conv2dDepthwiseConfig): number => costOf(g, config, device);
    return configsFor(g, device).toSorted((a, b) => cost(a) - cost(b));
  },
  cost: costOf,
  lower(g, config, device) {
    const bindings = inOrder<Conv2dRole>(['x', 'weight', g.bias ? 'bias' : null], 'y');
    const dispatch = dispatchOf(device, depthwiseWorkgroups(g, config), bindings, (grid) =>
      conv2dDepthwise(g, config, grid),
    );
    return { dispatches: [dispatch] };
  },
});
