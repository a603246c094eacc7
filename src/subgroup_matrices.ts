/** Kernels that multiply by subgroup matrices, for who opts in: see docs/decisions/0084-subgroup-matrices.md. */
import {
  MATRIX_FEATURE,
  type MatrixSize,
  SUBGROUP_SIZE_FEATURE,
} from '../shaders/lib/subgroup_matrix.ts';
import { conv2dOp } from './layers/conv2d.ts';
import { gemmKernel } from './layers/conv2d_kernels/gemm_kernel.ts';
import { matrixGemm } from './layers/conv2d_kernels/matrix.ts';
import { splitKOn } from './layers/conv2d_kernels/split_k.ts';
import { type Conv2d, problemOf as conv2dProblemOf } from './layers/conv2d_problem.ts';
import { linearOp } from './layers/linear.ts';
import { gemmOn } from './layers/linear_kernels/gemm.ts';
import { type Linear, problemOf as linearProblemOf } from './layers/linear_problem.ts';
import { checkArgument, checkOptions } from './runtime/arguments.ts';
import type { DeviceProfile, SubgroupMatrices } from './runtime/device_profile.ts';
import { UnsupportedError } from './runtime/errors.ts';
import type { Experiment } from './runtime/experiment.ts';
import type { Node } from './runtime/graph.ts';
import type { Candidate } from './runtime/kernel.ts';
import { candidatesOf } from './runtime/operator.ts';

/** What becomes of `Device.open` where there are none. */
export interface SubgroupMatricesOptions {
  /** Hears why there are none, and the device is opened without. By default that is an UnsupportedError. */
  readonly onMissing?: ((reason: string) => void) | undefined;
}

/** As Dawn lists them. */
interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

type MatrixInfo = GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<MatrixConfig> };

const conv2dMatrixKernels = [gemmKernel('conv2d_matrix', matrixGemm), splitKOn(matrixGemm)];

/** More kernels of a node. */
type Offer = (node: Node, device: DeviceProfile) => readonly Candidate[];

const ofConvolution = candidatesOf(conv2dProblemOf, conv2dMatrixKernels);

const ofLinear = candidatesOf(linearProblemOf, [gemmOn(matrixGemm)]);

/** By the kernels that the operators have: who replaces these, as benchmarks do, has chosen. */
const OFFERS: ReadonlyMap<unknown, Offer> = new Map<unknown, Offer>([
  [conv2dOp.candidates, (node, device) => ofConvolution(node as Conv2d, device)],
  [linearOp.candidates, (node, device) => ofLinear(node as Linear, device)],
]);

/**
 * Experimental: convolutions and linear layers that are stored as f16 multiply by the matrix units of GPUs (tensor
 * cores), with sums in f32, where that should be faster. It takes a WebGPU that offers subgroup matrices of f16 with
 * sums in f32, under their experimental name: in Node, `openNodeGpu(name, { experimental: true })`; in Chrome, the flag
 * --enable-unsafe-webgpu. Hand it to `Device.open`, and give sessions `precision: 'f16'`.
 *
 * @param options - Who hears that there are none.
 * @throws TilewiseError for options of another type.
 *
 * @example
 * const experimental = subgroupMatrices({ onMissing: (reason) => console.warn(reason) });
 * const opened = await Device.open(navigator.gpu, { experimental });
 * const precision = opened.profile.shaderF16 ? 'f16' : 'f32';
 * const session = await createSession(opened, graph, { weights, precision });
 */
export function subgroupMatrices(options: SubgroupMatricesOptions = {}): Experiment {
  checkOptions('subgroupMatrices', options);
  const { onMissing } = options;
  const isHeard = onMissing == null || typeof onMissing === 'function';
  checkArgument(isHeard, 'subgroupMatrices: onMissing', 'a function', onMissing);
  const experiment: Experiment = {
    descriptor(adapter, plain) {
      const found = matricesOf(adapter.info, adapter.features);
      if (typeof found !== 'string') return withFeatures(plain, featuresFor(found));
      if (!onMissing) throw new UnsupportedError(found);
      onMissing(found);
      return plain;
    },
    profile(info, features) {
      const found = matricesOf(info, features);
      return typeof found === 'string' ? {} : { matrices: found, experimental: experiment };
    },
    offer: (graph) => ({ ...graph, nodes: graph.nodes.map(withMatrices) }),
  };
  return experiment;
}

function withFeatures(
  plain: GPUDeviceDescriptor,
  features: readonly string[],
): GPUDeviceDescriptor {
  // WebGPU's types know no experiments.
  const more = features as readonly GPUFeatureName[];
  return { ...plain, requiredFeatures: [...(plain.requiredFeatures ?? []), ...more] };
}

/** The features to ask for: how wide subgroups are is said only where that varies. */
function featuresFor({ subgroupSizes: [least, most] }: SubgroupMatrices): readonly string[] {
  return least === most ? [MATRIX_FEATURE] : [MATRIX_FEATURE, SUBGROUP_SIZE_FEATURE];
}

/** What an adapter offers that these kernels can use, or why it is nothing. */
function matricesOf(info: MatrixInfo, features: Iterable<string>): SubgroupMatrices | string {
  const { subgroupMinSize: least, subgroupMaxSize: most } = info;
  const matrices = { sizes: sizesOf(info), subgroupSizes: [least, most] } as const;
  const wanted = ['shader-f16', 'subgroups', ...featuresFor(matrices)];
  const offered = new Set(features);
  const missing = wanted.filter((feature) => !offered.has(feature));
  if (missing.length > 0) {
    return `subgroup matrices: this adapter, or the WebGPU that it is seen through, lacks ${missing.join(', ')}; the feature is experimental, and off by default`;
  }
  if (matrices.sizes.length > 0) return matrices;
  return 'subgroup matrices: this adapter lists none that multiply f16 with sums in f32';
}

function sizesOf({ subgroupMatrixConfigs = [] }: MatrixInfo): readonly MatrixSize[] {
  return [...subgroupMatrixConfigs]
    .filter((config) => config.componentType === 'f16' && config.resultComponentType === 'f32')
    .map(({ M, N, K }) => [M, N, K]);
}

function withMatrices(node: Node): Node {
  const offer = OFFERS.get(node.op.candidates);
  if (!offer) return node;
  const { op } = node;
  const candidates: Offer = (other, device) => [
    ...op.candidates(other, device),
    ...offer(other, device),
  ];
  return { ...node, op: { ...op, candidates } };
}
