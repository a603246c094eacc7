import { describe, expect, it } from 'vitest';
import type { Conv2dMatrixConfig } from '../../shaders/conv2d_matrix.wgsl.ts';
import { graphOf } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { buildConv2d, type Conv2dCase, randomConv2d } from '../../test/fixtures/conv2d_case.ts';
import { CONV2D_CASES, LARGE_CONV2D_CASES } from '../../test/fixtures/conv2d_cases.ts';
import { useDevice, useDevices } from '../../test/fixtures/device.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { matrixProduct } from '../../test/fixtures/rounding_bounds.ts';
import { from } from '../../test/fixtures/small_tiles.ts';
import type { DeviceProfile } from '../runtime/device_profile.ts';
import { Session } from '../runtime/session.ts';
import { syntheticTensor, syntheticWeights } from '../runtime/weights/synthetic.ts';
import { conv2d } from './conv2d.ts';
import { gemmKernel } from './conv2d_kernels/gemm_kernel.ts';
import type { Conv2dGemm } from './conv2d_kernels/lower_tiles.ts';
import { matrixGemm } from './conv2d_kernels/matrix.ts';
import { splitKOn } from './conv2d_kernels/split_k.ts';
import { subgroupMatrices } from './subgroup_matrices.ts';

/** Milliseconds: CPU adapters take seconds to compile a kernel. */
const PATIENCE = 300_000;

const device = useDevice(useDevices(subgroupMatrices({ onMissing: console.log })));

/** Tests of what the adapter lacks are skipped, and say so. */
function withMatrices(test: () => Promise<void>): (context: { skip: () => void }) => Promise<void> {
  return async ({ skip }) => {
    if (!device().profile.matrices) skip();
    await test();
  };
}

/** Two subgroups for a tile of 2 x 2 matrices, of every size on offer. */
const smallMatrix: Conv2dGemm<Conv2dMatrixConfig> = {
  ...matrixGemm,
  configs(_, { matrices }) {
    const { sizes = [], subgroupSizes: [lanes = 1, widest = lanes] = [] } = matrices ?? {};
    return sizes.flatMap((matrix) =>
      [true, false].map((prefetch) => ({
        ...{ matrix, lanes, sized: lanes !== widest, subgroups: [1, 1], matrices: [2, 2] },
        ...{ slices: 2, depth: 16, prefetch },
      })),
    );
  },
};

const small = from([gemmKernel('conv2d_matrix', smallMatrix)]);

const all = from([gemmKernel('conv2d_matrix', matrixGemm)]);

async function check(test: Conv2dCase, more: Partial<KernelCase> = {}): Promise<void> {
  try {
    await checkKernels(device(), {
      op: 'conv2d',
      build: (g) => buildConv2d(g, test),
      ...{ bound: matrixProduct, choose: small, halfOnly: true, variants: ['f16'] },
      ...more,
    });
  } catch (error) {
    throw new Error(`conv2d ${JSON.stringify(test)}`, { cause: error });
  }
}

describe('conv2d_matrix', () => {
  it.each(CONV2D_CASES)(
    'agrees with the reference for %s',
    async (_, test) => {
      if (!device().profile.matrices) return;
      await check(test);
    },
    PATIENCE,
  );
});
