/**
 * A deformable convolution as a 1x1 convolution of columns, which a first dispatch gathers: any kernel of the
 * convolution does, since only what it reads was moved. Columns that are larger than a buffer may be take turns.
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
import { gather } from './conv2d_kernels/gather.ts';
import { rebind } from './conv2d_kernels/lower_tiles.ts';
import {
  bandOf,
  columnBytes,
  type DeformConv2dProblem,
  type DeformRole,
} from './deform_conv2d_problem.ts';
import { dispatchOf } from './dispatch.ts';

/** What the two passes share; algorithms of several dispatches have scratch of other names. */
const COLUMNS = 'deformed';

/** A band is two dispatches at least. */
const MOST_BANDS = 2 ** 8;

/**
 * The windows in equal bands, one after the other, so that the columns of each fit a buffer; the last begins within the
 * one before it.
 */
function bandsOf(g: DeformConv2dProblem, device: DeviceProfile): readonly DeformConv2dProblem[] {
  const [bytes, limit] = [columnBytes(g), largestBuffer(device)];
  if (bytes <= limit) return [g];
  const { count: all } = g.columns.windows;
  // Rows of columns are padded up to whole fours.
  const most = Math.floor((limit / bytes) * (all / 4)) * 4;
  const bands = Math.min(Math.ceil(all / most), MOST_BANDS);
  const count = Math.min(Math.ceil(all / bands / 4) * 4, all);
  return Array.from({ length: Math.ceil(all / count) }, (_, i) =>
    bandOf(g, { first: Math.min(i * count, all - count), count }),
  );
}

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
    (grid) => deformColumns(columns, grid),
  );
  return {
    ...inner,
    dispatches: [first, ...inner.dispatches.map((each) => rebind(each, { x: COLUMNS }))],
    scratch: { ...inner.scratch, [COLUMNS]: columnBytes(g) },
  };
}

/** In multiply-adds; see conv2d_kernels/cost.ts. */
function costOf({ columns }: DeformConv2dProblem, device: DeviceProfile): number {
  const { gather, store, dispatch } = costsOf(device);
  const { batch, channels, kernel, windows } = columns;
  const elements = batch * channels * kernel[0] * kernel[1] * windows.count;
  return dispatch + elements * (4 * gather + store);
}

/** By weights that are known when the model is loaded, or by any others. */
function convolutionsOf(
  { dynamic, convolution }: DeformConv2dProblem,
  device: DeviceProfile,
): readonly Candidate[] {
  const all = dynamic
    ? gather(dynamic, device)
    : conv2dKernels.flatMap((kernel) => kernel(convolution, device));
  return all.filter(({ prefers }) => prefers === undefined || prefers === kindOf(device));
}

export const byColumns: Kernel<DeformConv2dProblem> = (g, device) => {
  const bands = bandsOf(g, device);
  const [band = g] = bands;
  return convolutionsOf(band, device).map((inner, nth) => ({
    kernel: 'deform_conv2d',
    config: { convolution: inner.kernel, gemm: inner.config },
    prefers: inner.prefers,
    cost() {
      const cost = inner.cost();
      return cost === undefined ? cost : bands.length * (cost + costOf(band, device));
    },
    overwrites: [],
    lower() {
      // Bands are of one size: what convolves one is in the same place of the list for all.
      const parts = bands.map((each) =>
        lowered(each, (convolutionsOf(each, device)[nth] ?? inner).lower(), device),
      );
      return { ...parts[0], dispatches: parts.flatMap(({ dispatches }) => dispatches) };
    },
  }));
};
