import { describe, expect, it, type TestContext } from 'vitest';
import type { Conv2dMatrixConfig } from '../../shaders/conv2d_matrix.wgsl.ts';
import { graphOf } from '../../test/fixtures/build_one.ts';
import { type Choose, checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { buildConv2d, type Conv2dCase, randomConv2d } from '../../test/fixtures/conv2d_case.ts';
import { CONV2D_CASES, LARGE_CONV2D_CASES } from '../../test/fixtures/conv2d_cases.ts';
import { useDevice, useDevices } from '../../test/fixtures/device.ts';
import { Random, seeds } from '../../test/fixtures/random.ts';
import { matrixProduct } from '../../test/fixtures/rounding_bounds.ts';
import { from } from '../../test/fixtures/small_tiles.ts';
import { conversions } from '../conversions.ts';
import { ANY_GPU, type DeviceProfile, kindOf } from '../runtime/device_profile.ts';
import type { Graph, Node } from '../runtime/graph.ts';
import { prepare } from '../runtime/prepare.ts';
import { Session } from '../runtime/session.ts';
import { syntheticTensor, syntheticWeights } from '../runtime/weights/synthetic.ts';
import { subgroupMatrices } from '../subgroup_matrices.ts';
import { conv2d } from './conv2d.ts';
import { gemmKernel } from './conv2d_kernels/gemm_kernel.ts';
import type { Conv2dGemm } from './conv2d_kernels/lower_tiles.ts';
import { matrixGemm } from './conv2d_kernels/matrix.ts';
import { splitKOn } from './conv2d_kernels/split_k.ts';

/** Milliseconds: CPU adapters take seconds to compile a kernel. */
const PATIENCE = 300_000;

const device = useDevice(useDevices(subgroupMatrices({ onMissing: console.log })));

/** Two subgroups for a tile of 2 x 2 matrices, of every size on offer. */
function smallMatrix(prefetch: boolean): Conv2dGemm<Conv2dMatrixConfig> {
  return {
    ...matrixGemm,
    configs(_, { matrices }) {
      const { sizes = [], subgroupSizes: [lanes = 1, widest = lanes] = [] } = matrices ?? {};
      return sizes.map((matrix) => ({
        ...{ matrix, lanes, sized: lanes !== widest, subgroups: [1, 1], matrices: [2, 2] },
        ...{ slices: 2, depth: 16, prefetch },
      }));
    },
  };
}

const small = (prefetch: boolean): Choose =>
  from([gemmKernel('conv2d_matrix', smallMatrix(prefetch))]);

/** The fewest parts of k; on what kind of device the tests run is no matter. */
const smallParts: Choose = (candidates, node, profile) => {
  const gemm = { ...smallMatrix(true), inside: kindOf(profile) };
  return from([splitKOn(gemm)])(candidates, node, profile).slice(0, 1);
};

/** Those that the model ranks first, whatever the adapter. */
const likeliest: Choose = (...given) =>
  from([gemmKernel('conv2d_matrix', matrixGemm)])(...given).slice(0, 3);

/** Fails with the case. Skips, and says so, what the adapter cannot do. */
async function check(
  { skip }: TestContext,
  test: Conv2dCase,
  more: Partial<KernelCase> = {},
): Promise<void> {
  if (!device().profile.matrices) skip('the adapter lists no subgroup matrices of f16');
  try {
    await checkKernels(device(), {
      op: 'conv2d',
      build: (g) => buildConv2d(g, test),
      ...{ bound: matrixProduct, choose: small(true), halfOnly: true, variants: ['f16'] },
      ...more,
    });
  } catch (error) {
    throw new Error(`conv2d ${JSON.stringify(test)}`, { cause: error });
  }
}

describe('conv2d_matrix', () => {
  // Weights along one axis stay f32, for which these kernels are not.
  const cases = CONV2D_CASES.filter(([, { channels, kernel, x }]) =>
    [channels, x[1], kernel].some((extent) => extent !== 1),
  );

  it.for(cases.map(([claim, test], i) => [claim, i % 2 === 0, test] as const))(
    'agrees with the reference for %s, prefetching: %s',
    { timeout: PATIENCE },
    ([, prefetch, test], context) => check(context, test, { choose: small(prefetch) }),
  );

  it.for(seeds(6))(
    'agrees with the reference for the random shape of seed %i, on views, too',
    { timeout: PATIENCE },
    (seed, context) =>
      check(context, randomConv2d(new Random(seed)), { variants: ['views', 'f16'] }),
  );

  it.for(LARGE_CONV2D_CASES)(
    'agrees with the reference in its likeliest configurations for %s',
    { timeout: PATIENCE },
    ([, test], context) => check(context, test, { choose: likeliest }),
  );

  it('agrees with the reference in parts of k', { timeout: PATIENCE }, (context) =>
    check(
      context,
      { x: [2, 256, 3, 3], channels: 21, kernel: 3, padding: 1, epilogue: ['residual', 'relu'] },
      { choose: smallParts },
    ),
  );

  it('keeps infinite inputs of one group out of the others', { timeout: PATIENCE }, async ({
    skip,
  }) => {
    if (!device().profile.matrices) skip('the adapter lists no subgroup matrices of f16');
    const graph = graphOf((g) =>
      conv2d(g.at('conv'), g.input('x', [1, 6, 5, 5]), { channels: 8, kernel: 3, groups: 2 }),
    );
    using session = await Session.create(device(), onlyMatrices(graph), HALF);
    const x = syntheticTensor('x', [1, 6, 5, 5]).fill(Number.POSITIVE_INFINITY, 3 * 25);
    const { y = [] } = await session.run({ x });
    const finite = [...y].map((value) => Number.isFinite(value));
    expect(finite).toEqual(Array.from({ length: 8 * 9 }, (_, i) => i < 4 * 9));
  });

  it('gives the same bits twice', { timeout: PATIENCE }, async ({ skip }) => {
    if (!device().profile.matrices) skip('the adapter lists no subgroup matrices of f16');
    const shape = [1, 40, 9, 7];
    const graph = graphOf((g) =>
      conv2d(g.at('conv'), g.input('x', shape), { channels: 24, kernel: 3, padding: 1 }),
    );
    using session = await Session.create(device(), onlyMatrices(graph), HALF);
    const x = syntheticTensor('x', shape);
    const first = await session.run({ x });
    expect(await session.run({ x })).toEqual(first);
  });
});

describe('GPUs with subgroup matrices', () => {
  const sizes = [
    [[16, 16, 16]],
    [[16, 8, 16]],
    [[16, 8, 8]],
    [[8, 8, 16]],
    [[8, 8, 8]],
    [[8, 16, 16]],
    [[16, 16, 8]],
  ] as const;

  it.for([8, 16, 32, 64].flatMap((lanes) => sizes.map(([size]) => [lanes, size] as const)))(
    'of %i lanes and sizes %j are offered kernels that can be written, within limits',
    ([lanes, size]) => {
      const matrices = { sizes: [size], subgroupSizes: [lanes, 64] } as const;
      const gpu = {
        ...ANY_GPU,
        limits: { ...ANY_GPU.limits, maxComputeWorkgroupStorageSize: 32768 },
        matrices,
      };
      const node = halfNode({ x: [1, 64, 56, 56], channels: 256, kernel: 1 });
      const candidates = from([gemmKernel('conv2d_matrix', matrixGemm)])([], node, gpu);
      for (const { lower } of candidates) expect(lower().dispatches).toHaveLength(1);
      if (lanes <= 32) expect(candidates.length).toBeGreaterThan(0);
    },
  );

  it.each(['f32', 'f16'] as const)('take them for what is stored as f16: %s', (precision) => {
    const matrices = { sizes: [[16, 16, 16]], subgroupSizes: [32, 32] } as const;
    const experimental = subgroupMatrices();
    const gpu = {
      ...ANY_GPU,
      vendor: 'nvidia',
      limits: { ...ANY_GPU.limits, maxComputeWorkgroupStorageSize: 49152 },
    };
    const graph = graphOf((g) =>
      conv2d(g.at('conv'), g.input('x', [8, 256, 28, 28]), {
        channels: 256,
        kernel: 3,
        padding: 1,
      }),
    );
    const kernels = (device: DeviceProfile) =>
      prepare(graph, { device, precision, passes: conversions }).plan.dispatches.map(
        ({ kernel }) => kernel,
      );
    const uses = (device: DeviceProfile) => kernels(device).includes('conv2d_matrix');
    expect(uses({ ...gpu, matrices, experimental })).toBe(precision === 'f16');
    expect(uses({ ...gpu, matrices })).toBe(false);
    expect(uses(gpu)).toBe(false);
  });
});

describe('subgroupMatrices', () => {
  const adapter = {
    info: { subgroupMinSize: 32, subgroupMaxSize: 32 },
    features: new Set(['subgroups']),
  };

  it('says what an adapter lacks', () => {
    const { descriptor } = subgroupMatrices();
    expect(() => descriptor(adapter as never, {})).toThrow(
      /lacks shader-f16, chromium-experimental/,
    );
  });

  it('goes without where that is heard', () => {
    const reasons: string[] = [];
    const { descriptor } = subgroupMatrices({ onMissing: (reason) => reasons.push(reason) });
    expect(descriptor(adapter as never, { label: 'plain' })).toEqual({ label: 'plain' });
    expect(reasons).toHaveLength(1);
  });
});

const HALF = { weights: syntheticWeights([]), precision: 'f16', passes: conversions } as const;

/** The node of a convolution as it is stored in f16. */
function halfNode(test: Conv2dCase): Node {
  const { plan } = prepare(
    graphOf((g) => buildConv2d(g, test)),
    { device: ANY_GPU, precision: 'f16', passes: conversions },
  );
  const node = plan.graph.nodes.find(({ op }) => op.name === 'conv2d');
  if (!node) throw new Error('no convolution is left');
  return node;
}

/** The graph whose convolutions know small tiles of matrices only. */
function onlyMatrices(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => ({
    ...node,
    op: {
      ...node.op,
      candidates: (other: Node, profile: DeviceProfile) => small(true)([], other, profile),
    },
  }));
  return { ...graph, nodes };
}
