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
import { type Kernel, kernel } from '../../runtime/kernel.ts';
import { inOrder } from '../bindings.ts';
import type { Conv2dRole } from '../conv2d_problem.ts';
import { dispatchOf } from '../dispatch.ts';
import { costsOf } from './cost.ts';

/** [rows, pixels] of an invocation on a GPU; 4 x 4 were the best of none of 23 layers on an H200. */
const GPU_STRIPS: readonly (readonly [number, number])[] = [
  [2, 4],
  [1, 4],
  [2, 2],
  [1, 1],
];

/** Outputs along a row of an invocation on a CPU adapter, which has all rows of the plane. */
const CPU_PIXELS = [7, 4, 2, 1];

/** What one invocation holds of weights, x and sums at most: larger windows are left to the other kernels. */
const MOST_VALUES = 128;
/** Of a step on a CPU adapter, at most: 7 columns of stride 2 (30 loads) took 1.4 times as long as 4 (18). */
const MOST_READS = 24;
/** Registers of a GPU beside what it holds. */
const OTHER_REGISTERS = 24;

/** Loads of a strip on a GPU, which compilers have under way together: Adreno 618 and 630 spill with 55. */
const MOST_LOADS = 50;

/** Invocations of a workgroup on a GPU. */
const GPU_LANES = 64;
/** Of a compute unit, as fitted to those layers: fewer take as long, since memory is what each waits for. */
const ENOUGH = 720;

function fits(g: Conv2dProblem, config: Conv2dDepthwiseConfig, device: DeviceProfile): boolean {
  const { width, live } = depthwiseSteps(g, config);
  const reads = width * g.stride[0];
  const values = g.kernel[0] * g.kernel[1] + reads + live * config.pixels;
  const height = (config.rows - 1) * g.stride[0] + (g.kernel[0] - 1) * g.dilation[0] + 1;
  const suits = config.looped
    ? reads <= MOST_READS
    : values + OTHER_REGISTERS <= gpuClassOf(device).registers && width * height <= MOST_LOADS;
  return values <= MOST_VALUES && (suits || config.pixels === 1);
}

function configsFor(g: Conv2dProblem, device: DeviceProfile): readonly Conv2dDepthwiseConfig[] {
  const looped = kindOf(device) === 'cpu';
  const lanes = looped ? (device.subgroupSize ?? 8) : GPU_LANES;
  const strips = looped
    ? CPU_PIXELS.map((pixels) => [g.outputHeight, pixels] as const)
    : GPU_STRIPS;
  return strips
    .map(([rows, pixels]) => ({ lanes, rows, pixels, looped }))
    .filter((config) => fits(g, config, device));
}

/** Multiply-adds run beside the loads: on CPU adapters the loads tell the times. */
function costOf(g: Conv2dProblem, config: Conv2dDepthwiseConfig, device: DeviceProfile): number {
  const { load, gather, store, dispatch } = costsOf(device);
  const { width, steps } = depthwiseSteps(g, config);
  const weights = g.kernel[0] * g.kernel[1] * load;
  const lane = weights + steps * width * g.stride[0] * gather + config.rows * config.pixels * store;
  const lanes = depthwiseWorkgroups(g, config) * config.lanes;
  const least = kindOf(device) === 'cpu' ? 0 : ENOUGH * gpuClassOf(device).units;
  return dispatch + Math.max(lanes, least) * lane;
}

export const depthwise: Kernel<Conv2dProblem> = kernel({
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
