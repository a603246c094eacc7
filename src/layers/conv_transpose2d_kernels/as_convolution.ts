/**
 * A transposed convolution as a convolution, followed by a sum of what falls on each element: see
 * docs/decisions/0066-transposed-convolution.md.
 *
 *     phases    Of a stride S, the outputs p with (p + pad) mod S = a are a dense convolution of x with every S-th tap
 *               of the flipped kernel, from tap a on. All phases are one convolution, with S * S channels for each
 *               output channel; kernels that S does not divide are filled up with zeros. The second pass interleaves
 *               them. Of stride 1 there is one phase, and nothing is left to do.
 *     columns   A 1x1 convolution makes the products of every pixel with every tap; the second pass adds up those that
 *               fall on one element (col2im). No zeros are multiplied, but more is stored.
 */
import {
  COL2IM_THREADS,
  type Col2imProblem,
  col2im,
  col2imCount,
  isInterleaving,
} from '../../../shaders/col2im.wgsl.ts';
import type { Conv2dProblem } from '../../../shaders/lib/conv2d_problem.ts';
import { operandBindings } from '../../../shaders/lib/epilogue.ts';
import { type DeviceProfile, kindOf, largestBuffer } from '../../runtime/device_profile.ts';
import type { Candidate, Kernel, Lowering, Repack } from '../../runtime/kernel.ts';
import { inOrder } from '../bindings.ts';
import type { ConvTranspose2dProblem } from '../conv_transpose2d_problem.ts';
import { conv2dKernels } from '../conv2d.ts';
import { costsOf } from '../conv2d_kernels/cost.ts';
import { rebind } from '../conv2d_kernels/lower_tiles.ts';
import type { Conv2dRole } from '../conv2d_problem.ts';
import { dispatchOf } from '../dispatch.ts';
import type { Form, Split } from './split.ts';

/** What the two passes share; algorithms of several dispatches have scratch of other names. */
const PRODUCTS = 'taps';

/** [c][o][r][s] to what the convolution wants: [o and its product][c of the group][taps of the product, flipped]. */
function turnedWeight(
  g: ConvTranspose2dProblem,
  [down, across]: Split['axes'],
  data: Float32Array,
): Float32Array {
  const groupIn = g.inputChannels / g.groups;
  const groupOut = g.outputChannels / g.groups;
  const [height, width] = g.kernel;
  const rows = g.outputChannels * down.products * across.products * groupIn;
  const turned = new Float32Array(rows * down.taps * across.taps);
  for (let row = 0, next = 0; row < rows; row++) {
    const c = row % groupIn;
    const product = Math.floor(row / groupIn);
    const column = product % across.products;
    const line = Math.floor(product / across.products) % down.products;
    const o = Math.floor(product / (across.products * down.products));
    const input = Math.floor(o / groupOut) * groupIn + c;
    const from = (input * groupOut + (o % groupOut)) * height * width;
    for (let j = down.taps - 1; j >= 0; j--) {
      const r = line + j * down.products;
      for (let k = across.taps - 1; k >= 0; k--, next++) {
        const s = column + k * across.products;
        if (r < height && s < width) turned[next] = data[from + r * width + s] ?? 0;
      }
    }
  }
  return turned;
}

/** The weights of an inner kernel, made from those of the transposed convolution. */
function repackOf(
  g: ConvTranspose2dProblem,
  form: Form,
  { axes, convolution }: Split,
  inner: Repack | undefined,
): Repack {
  const products = axes.map((axis) => axis.products).join('x');
  return {
    arrangement: `${form} ${products} g${convolution.groups} ${inner?.arrangement ?? ''}`,
    length: inner?.length ?? weightsOf(convolution),
    pack(data) {
      const turned = turnedWeight(g, axes, data);
      return inner ? inner.pack(turned) : turned;
    },
  };
}

function weightsOf({ kernel, outputChannels, inputChannels, groups }: Conv2dProblem): number {
  return (outputChannels * inputChannels * kernel[0] * kernel[1]) / groups;
}

/** In multiply-adds; see cost.ts. */
function costOf(overlap: Col2imProblem, device: DeviceProfile): number {
  const { gather, store, dispatch } = costsOf(device);
  const { kernel, stride, dilation } = overlap;
  const tried = (axis: 0 | 1): number =>
    dilation[axis] === 1 ? Math.ceil(kernel[axis] / stride[axis]) : kernel[axis];
  const loads = isInterleaving(overlap) ? 1 : tried(0) * tried(1);
  return dispatch + col2imCount(overlap) * (loads * gather + store);
}

function lowered(
  g: ConvTranspose2dProblem,
  form: Form,
  split: Split,
  inner: Lowering,
  device: DeviceProfile,
): Lowering {
  const { overlap } = split;
  const repack = { ...inner.repack, weight: repackOf(g, form, split, inner.repack?.weight) };
  if (!overlap) return { ...inner, repack };
  const bindings = inOrder<Conv2dRole | typeof PRODUCTS>([PRODUCTS, g.bias ? 'bias' : null], 'y');
  const sum = dispatchOf(
    device,
    Math.ceil(col2imCount(overlap) / COL2IM_THREADS),
    [...bindings, ...operandBindings(g.epilogue)],
    (grid) => ({ source: col2im(overlap, grid) }),
  );
  return {
    dispatches: [...inner.dispatches.map((each) => rebind(each, { y: PRODUCTS })), sum],
    repack,
    scratch: { ...inner.scratch, [PRODUCTS]: split.bytes },
  };
}

export function asConvolution(form: Form): Kernel<ConvTranspose2dProblem> {
  return (g, device) => {
    const split = g.splits[form];
    if (!split) return [];
    const { convolution, overlap, bytes } = split;
    if (Math.max(bytes, 4 * weightsOf(convolution)) > largestBuffer(device)) return [];
    return conv2dKernels
      .flatMap((kernel) => kernel(convolution, device))
      .filter(({ prefers }) => prefers === undefined || prefers === kindOf(device))
      .map(
        (inner): Candidate => ({
          kernel: `conv_transpose2d_${form}`,
          config: { convolution: inner.kernel, gemm: inner.config },
          prefers: inner.prefers,
          cost() {
            const cost = inner.cost();
            return cost === undefined || !overlap ? cost : cost + costOf(overlap, device);
          },
          overwrites: [],
          lower: () => lowered(g, form, split, inner.lower(), device),
        }),
      );
  };
}
