/** conv2d_depthwise: a group for every input channel. */
import {
  type Conv2dDepthwiseConfig,
  conv2dDepthwise,
  depthwiseSteps,
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

/** [rows, pixels] of an invocation on a GPU. */
const GPU_STRIPS: readonly (readonly [number, number])[] = [
  [4, 4],
  [2, 4],
  [1, 4],
  [2, 2],
  [1, 1],
];
/** Outputs along a row of an invocation on a CPU adapter. */
const CPU_PIXELS = [7, 4, 2, 1];
/** Rows of its strip at most: the whole plane, or what a machine of many cores may be faster with when it is tuned. */
const CPU_ROWS = [Number.POSITIVE_INFINITY, 28];
/** What a CPU adapter's registers hold; the share of a load that each value beyond costs in a step. */
const CPU_VALUES = 40;
const CPU_VALUE_COST = 0.2;

/** What one invocation holds of weights, x and sums at most: larger windows are left to the other kernels. */
const MOST_VALUES = 128;
/** Registers beside the values of x and the sums. */
const OTHER_REGISTERS = 20;
const MOST_MULTIPLY_ADDS = 512;

/** Invocations of a workgroup on a GPU. */
const GPU_LANES = 64;

/** Weights, values of x and sums that an invocation holds. */
function valuesOf(g: Conv2dProblem, config: Conv2dDepthwiseConfig): number {
  const { width, fresh, live } = depthwiseSteps(g, config);
  return g.kernel[0] * g.kernel[1] + width * fresh + live * config.pixels;
}

function fits(g: Conv2dProblem, config: Conv2dDepthwiseConfig, device: DeviceProfile): boolean {
  const rows = config.looped ? 1 : config.rows;
  const multiplyAdds = g.kernel[0] * g.kernel[1] * config.pixels * rows;
  const values = valuesOf(g, config);
  const single = config.rows * config.pixels === 1;
  return (
    values <= MOST_VALUES &&
    multiplyAdds <= MOST_MULTIPLY_ADDS &&
    (single || config.looped || values + OTHER_REGISTERS <= gpuClassOf(device).registers)
  );
}

function configsFor(g: Conv2dProblem, device: DeviceProfile): readonly Conv2dDepthwiseConfig[] {
  const looped = kindOf(device) === 'cpu';
  const { bound } = costsOf(device);
  const lanes = looped ? (device.subgroupSize ?? 8) : GPU_LANES;
  const strips = looped ? cpuStrips(g) : GPU_STRIPS;
  return strips
    .map(([rows, pixels]) => ({ lanes, rows, pixels, looped, bound }))
    .filter((config) => fits(g, config, device));
}

/** The strips of a plane are as long as one another, or the last is a little shorter. */
function cpuStrips({ outputHeight }: Conv2dProblem): readonly (readonly [number, number])[] {
  const strips = new Set(CPU_ROWS.map((most) => Math.ceil(outputHeight / most)));
  const rows = [...strips].map((count) => Math.ceil(outputHeight / Math.max(1, count)));
  return CPU_PIXELS.flatMap((pixels) => rows.map((count) => [count, pixels] as const));
}

/** On CPU adapters the multiply-adds run beside the loads: fitted to the times of 12 layers in 15 ways each. */
function costOf(g: Conv2dProblem, config: Conv2dDepthwiseConfig, device: DeviceProfile): number {
  const costs = costsOf(device);
  const { width, fresh, steps } = depthwiseSteps(g, config);
  const taps = g.kernel[0] * g.kernel[1];
  const outputs = config.rows * config.pixels;
  const beyond = Math.max(0, valuesOf(g, config) - CPU_VALUES) * CPU_VALUE_COST;
  const step = (width * fresh + (config.looped ? beyond : 0)) * costs.gather;
  const multiplyAdds = config.looped ? 0 : outputs * taps;
  const lane = taps * costs.load + steps * step + outputs * costs.store + multiplyAdds;
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
