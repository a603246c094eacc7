/** linear_gemv: a fully connected layer of a few images, bound by reading the weights. */

import {
  type LinearConfig,
  type LinearProblem,
  linearBlock,
  linear as shader,
} from '../../../shaders/linear.wgsl.ts';
import { type DeviceProfile, kindOf } from '../../runtime/device_profile.ts';
import { gpuClassOf } from '../../runtime/gpu_class.ts';
import { type Kernel, kernel, type Repack } from '../../runtime/kernel.ts';
import { inOrder } from '../bindings.ts';
import { dispatchOf } from '../dispatch.ts';
import type { LinearRole } from '../linear_problem.ts';

/** Images that share a weight at most: their sums, four an image, are all in registers. */
export const MOST_ROWS = 8;

/** Words of an image: four sums of a block, and four of all blocks. And those of what is multiplied, and of places. */
const WORDS_OF_ROW = 8;
const OTHER_WORDS = 40;

function mostRows(device: DeviceProfile): number {
  if (kindOf(device) === 'cpu') return MOST_ROWS;
  return Math.min(MOST_ROWS, (gpuClassOf(device).registers - OTHER_WORDS) / WORDS_OF_ROW);
}

/** Of a GPU: invocations of a workgroup, and workgroups that keep a large one's compute units busy. */
const THREADS = 256;
const ENOUGH_WORKGROUPS = 100;
/** Fewer save nothing, where as many run as one, and would be pipelines more. */
const LEAST_THREADS = 32;

/** 16 to 128 bytes of a row of weights; rows of one block follow one another, so even the fewest waste nothing. */
const COLUMNS: readonly number[] = [8, 4, 2, 1];

/** [output][input] to [block][input][output of the block]. */
function repackWeight({ inputs, outputs }: LinearProblem, block: number): Repack {
  const padded = Math.ceil(outputs / block) * block;
  return {
    arrangement: `weight ${[padded, inputs, block]}`,
    length: padded * inputs,
    pack(data) {
      const packed = new Float32Array(padded * inputs);
      for (let o = 0; o < outputs; o++) {
        const start = (o - (o % block)) * inputs + (o % block);
        for (let i = 0; i < inputs; i++) packed[start + i * block] = data[o * inputs + i] ?? 0;
      }
      return packed;
    },
  };
}

function configsFor(g: LinearProblem, device: DeviceProfile): readonly LinearConfig[] {
  const fours = Math.ceil(g.outputs / 4);
  if (kindOf(device) === 'cpu') {
    // Of any number would be as many pipelines.
    const columns = 2 ** Math.ceil(Math.log2(fours));
    return [{ columns: Math.min(device.subgroupSize ?? 8, columns), slices: 1 }];
  }
  const threads = Math.min(THREADS, device.limits.maxComputeInvocationsPerWorkgroup);
  // A slice with less than a step of four inputs has nothing to do.
  const steps = 2 ** Math.floor(Math.log2(Math.max(2, g.inputs / 4)));
  const workgroups = (columns: number): number => Math.ceil(fours / columns);
  const missing = (columns: number): number => Math.max(0, ENOUGH_WORKGROUPS - workgroups(columns));
  const usable = COLUMNS.filter((columns) => columns <= fours);
  return usable
    .toSorted((a, b) => missing(a) - missing(b))
    .map((columns) => ({
      columns,
      slices: Math.min(Math.max(steps, LEAST_THREADS / columns), threads / columns),
    }));
}

export const gemv: Kernel<LinearProblem> = kernel({
  name: 'linear_gemv',
  supports: ({ batch }: LinearProblem, device) => batch <= mostRows(device),
  configs: configsFor,
  lower(g, config, device) {
    const block = linearBlock(config);
    const bindings = inOrder<LinearRole>(['x', 'weight', g.bias ? 'bias' : null], 'y');
    const workgroups = Math.ceil(g.outputs / block);
    const dispatch = dispatchOf(device, workgroups, bindings, (grid) => shader(g, config, grid));
    return { dispatches: [dispatch], repack: { weight: repackWeight(g, block) } };
  },
});
