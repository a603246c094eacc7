/**
 * A deformable convolution as a 1x1 convolution of columns, which a first dispatch gathers: any kernel of the
 * convolution does, since only what it reads was moved.
 */
import {
  DEFORM_COLUMNS_THREADS,
  deformColumns,
  deformColumnsCount,
} from '../../shaders/deform_columns.wgsl.ts';
import { type DeviceProfile, kindOf, largestBuffer } from '../runtime/device_profile.ts';
import type { Candidate, Kernel, Lowering } from '../runtime/kernel.ts';
import { inOrder } from './bindings.ts';
import { conv2dKernels } from './conv2d.ts';
import { costsOf } from './conv2d_kernels/cost.ts';
import { dispatchOf } from './conv2d_kernels/dispatch.ts';
import { gather } from './conv2d_kernels/gather.ts';
import { rebind } from './conv2d_kernels/lower_tiles.ts';
import type { DeformConv2dProblem, DeformRole } from './deform_conv2d_problem.ts';

/** What the two passes share; algorithms of several dispatches have scratch of other names. */
const COLUMNS = 'deformed';

function lowered(g: DeformConv2dProblem, inner: Lowering, device: DeviceProfile): Lowering {
  const { columns } = g;
  const reads: readonly (DeformRole | null)[] = [
    'x',
    'offset',
    columns.maskStrides ? 'mask' : null,
  ];
  const first = dispatchOf(
    device,
    Math.ceil(deformColumnsCount(columns) / DEFORM_COLUMNS_THREADS),
    inOrder<string>(reads, COLUMNS),
    (grid) => ({ source: deformColumns(columns, grid) }),
  );
  return {
    ...inner,
    dispatches: [first, ...inner.dispatches.map((each) => rebind(each, { x: COLUMNS }))],
    scratch: { ...inner.scratch, [COLUMNS]: g.bytes },
  };
}

/** In multiply-adds; see conv2d_kernels/cost.ts. */
function costOf({ columns }: DeformConv2dProblem, device: DeviceProfile): number {
  const { gather, store, dispatch } = costsOf(device);
  const { batch, channels, kernel, outputHeight, outputWidth } = columns;
  const elements = batch * channels * kernel[0] * kernel[1] * outputHeight * outputWidth;
  return dispatch + elements * (4 * gather + store);
}

function columnsThen(
  g: DeformConv2dProblem,
  convolutions: readonly Candidate[],
  device: DeviceProfile,
): readonly Candidate[] {
  if (g.bytes > largestBuffer(device)) return [];
  return convolutions
    .filter(({ prefers }) => prefers === undefined || prefers === kindOf(device))
    .map((inner) => ({
      kernel: 'deform_conv2d',
      config: { convolution: inner.kernel, gemm: inner.config },
      prefers: inner.prefers,
      cost() {
        const cost = inner.cost();
        return cost === undefined ? cost : cost + costOf(g, device);
      },
      overwrites: [],
      lower: () => lowered(g, inner.lower(), device),
    }));
}

/** By weights that are known when the model is loaded, or by any others. */
export const byColumns: Kernel<DeformConv2dProblem> = (g, device) => {
  const convolutions = g.dynamic
    ? gather(g.dynamic, device)
    : conv2dKernels.flatMap((kernel) => kernel(g.convolution, device));
  return columnsThen(g, convolutions, device);
};
