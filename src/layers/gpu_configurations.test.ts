/**
 * CPU adapters get configurations of their own. Here every one that GPUs may get computes, whatever adapter runs the
 * tests; those of conv2d_depthwise and linear_gemv do in the tests of these.
 */
import { describe, expect, it } from 'vitest';
import { graphOf } from '../../test/fixtures/build_one.ts';
import { checkKernels, type KernelCase } from '../../test/fixtures/check_kernels.ts';
import { buildConv2d, type Conv2dCase } from '../../test/fixtures/conv2d_case.ts';
import { useDevice } from '../../test/fixtures/device.ts';
import { GPU_VENDORS } from '../../test/fixtures/profiles.ts';
import { dotProduct, exact, winograd } from '../../test/fixtures/rounding_bounds.ts';
import { faultsOf } from '../../test/fixtures/valid_wgsl.ts';
import { ANY_GPU, type DeviceProfile } from '../runtime/device_profile.ts';
import { type Candidate, describeConfig } from '../runtime/kernel.ts';
import { isChoice } from '../runtime/plan/select_kernels.ts';
import { relu } from './activations.ts';
import { linear } from './linear.ts';
import { matmul } from './matmul.ts';
import { topElements } from './top_k.ts';

// llvmpipe takes half as long to compile for half as wide vectors.
process.env.LP_NATIVE_VECTOR_WIDTH = '128';

/** All of them take minutes to compile: by default one of those that differ in sizes of workgroups only. */
const ALL = process.env.TILEWISE_ALL_CONFIGURATIONS !== undefined;

/** Milliseconds: one configuration may take a minute to compile where others use the cores, too. */
const PATIENCE = 300_000;

const device = useDevice();

type Case = Pick<KernelCase, 'op' | 'build' | 'bound'> & {
  readonly choose: (candidate: Candidate) => boolean;
};

const of =
  (kernel: string, config: (json: string) => boolean = () => true) =>
  (candidate: Candidate): boolean =>
    candidate.kernel === kernel && config(JSON.stringify(candidate.config));

/** Of 4 x 4 outputs an invocation: those of 8 x 8 take compilers of CPU adapters seconds. */
const isSmall = (json: string): boolean => json.includes('"pixelQuads":1,"channelQuads":1');

/** The more slices there are, the longer that takes: these compute what is compiled fastest. */
const hasManySlices = (json: string): boolean => !/"slices":[12]\b/.test(json);

function convolution(test: Conv2dCase, choose: Case['choose'], bound = dotProduct): Case {
  return { op: 'conv2d', build: (g) => buildConv2d(g, test), bound, choose };
}

const CASES: Readonly<Record<string, Case>> = {
  'conv2d_tiled in groups, stride 2, odd planes': convolution(
    {
      ...{ x: [2, 22, 9, 11], channels: 36, kernel: 3, stride: 2, padding: 1, groups: 2 },
      epilogue: ['residual', 'relu'],
    },
    of('conv2d_tiled', (json) => !hasManySlices(json)),
  ),
  'conv2d_tiled of several tiles': convolution(
    { x: [2, 35, 13, 11], channels: 70, kernel: 3, padding: 1 },
    of('conv2d_tiled', isSmall),
  ),
  'conv2d_tiled of columns in fours': convolution(
    { x: [1, 19, 6, 10], channels: 70, kernel: 1, epilogue: ['relu'] },
    of(
      'conv2d_tiled',
      (json) =>
        ALL || isSmall(json) || hasManySlices(json) || json.includes('"slices":1,"pixelQuads":1'),
    ),
  ),
  'conv2d_tiled of one tap a step': convolution(
    { x: [1, 256, 4, 5], channels: 36, kernel: [2, 3], padding: 1 },
    of('conv2d_tiled', isSmall),
  ),
  // What multiplies inside is conv2d_tiled, in the same configurations.
  'conv2d_winograd with tiles of 2': convolution(
    { x: [2, 19, 7, 9], channels: 21, kernel: 3, padding: 1, epilogue: ['residual', 'relu'] },
    of('conv2d_winograd', (json) => json.includes('"tile":2') && isSmall(json)),
    winograd(2),
  ),
  'conv2d_winograd with tiles of 4': convolution(
    { x: [2, 19, 7, 9], channels: 21, kernel: 3, padding: 1, epilogue: ['residual', 'relu'] },
    of('conv2d_winograd', (json) => json.includes('"tile":4') && isSmall(json)),
    winograd(4),
  ),
  linear_gemm: {
    op: 'linear',
    build: (g) => linear(g.at('fc'), g.input('x', [19, 37]), { features: 70 }),
    bound: dotProduct,
    choose: of('linear_gemm', isSmall),
  },
  'matmul_tiled of stacks that are broadcast': {
    op: 'matmul',
    build: (g) =>
      relu(g.at('relu'), matmul(g, g.input('a', [2, 1, 70, 37]), g.input('b', [3, 37, 67]))),
    bound: dotProduct,
    choose: of('matmul_tiled'),
  },
  'matmul_tiled of a transposed factor': {
    op: 'matmul',
    build: (g) =>
      matmul(g, g.input('a', [33, 9]), g.input('b', [70, 33]), {
        transposeA: true,
        transposeB: true,
      }),
    bound: dotProduct,
    choose: of('matmul_tiled', (json) => json.includes('"threads":8')),
  },
  top_k: {
    op: 'top_k',
    build: (g) => topElements(g, g.input('x', [3, 147]), 5),
    bound: exact,
    choose: of('top_k'),
  },
};

function variantOf({ config }: Candidate): string {
  const variant = (name: string, value: unknown) => {
    if (name === 'threads' && Array.isArray(value)) return undefined;
    return name === 'slices' ? Number(value) > 1 : value;
  };
  return JSON.stringify(config, ALL ? undefined : variant);
}

/** What GPUs would be offered: each configuration once, with the first vendor whose GPUs get it. */
function candidatesOf({ op, build, choose }: Case): readonly (readonly [string, Candidate])[] {
  const node = graphOf(build).nodes.find((found) => found.op.name === op);
  const offered = GPU_VENDORS.flatMap((vendor) =>
    (node?.op.candidates(node, { ...ANY_GPU, vendor }) ?? [])
      .filter(choose)
      .map((candidate) => [vendor, candidate] as const),
  );
  const variants = offered.map(([, candidate]) => variantOf(candidate));
  return offered.filter((_, i) => variants.indexOf(variants[i] ?? '') === i);
}

/** What a GPU of this vendor computes is run where the tests run, whatever more an adapter there allows. */
function asGpu(profile: DeviceProfile, vendor: string): DeviceProfile {
  return { ...profile, family: 'gpu', vendor, architecture: '', limits: ANY_GPU.limits };
}

describe.each(Object.entries(CASES))('%s', (_, test) => {
  it.each(
    candidatesOf(test).map(
      ([vendor, candidate]) => [describeConfig(candidate.config), vendor, candidate] as const,
    ),
  )(
    'agrees with the reference: %s',
    async (_config, vendor, candidate) => {
      if (device().profile.family === 'swiftshader') {
        console.log(`skipped: "${device().adapter.name}" takes minutes to compile this`);
        return;
      }
      await checkKernels(device(), {
        ...test,
        variants: [],
        choose: (_candidates, node, profile) =>
          node.op
            .candidates(node, asGpu(profile, vendor))
            .filter((other) => isChoice(other, candidate)),
      });
    },
    PATIENCE,
  );
});

it('every configuration of conv2d_tiled is among them', () => {
  const tiled = Object.values(CASES).filter(({ op }) => op === 'conv2d');
  const all = tiled.flatMap((test) => candidatesOf({ ...test, choose: of('conv2d_tiled') }));
  const tried = tiled.flatMap(candidatesOf).filter(([, found]) => of('conv2d_tiled')(found));
  const names = (offered: ReturnType<typeof candidatesOf>) =>
    [...new Set(offered.map(([, candidate]) => variantOf(candidate)))].toSorted();
  expect(names(tried)).toEqual(names(all));
});

it.each(GPU_VENDORS)('whatever a GPU by %j is offered is valid WGSL', async (vendor) => {
  const sources = Object.values(CASES)
    .flatMap(({ build }) => graphOf(build).nodes)
    .flatMap((node) => node.op.candidates(node, { ...ANY_GPU, vendor }))
    .flatMap(({ lower }) => lower().dispatches.map(({ source }) => source));
  expect(await faultsOf(device(), sources)).toEqual([]);
});

it.each(Object.entries(CASES))('GPUs are offered %s', (_, test) => {
  expect(candidatesOf(test).length).toBeGreaterThan(0);
});
