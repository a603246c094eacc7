/**
 * Whole plans, as GPUs of each maker get them, compute on the adapter of the tests what its own plans do. llvmpipe
 * takes up to a minute for a plan, six for all, so this is `npm run test:gpu-plans` alone; `TILEWISE_GPU_PLANS` names
 * the models.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  buildModel,
  createSession,
  findModel,
  type Graph,
  planFor,
  syntheticInput,
  syntheticWeights,
} from '../src/index.ts';
import { ANY_GPU, type DeviceProfile } from '../src/runtime/device_profile.ts';
import { actAs, useDevice } from './fixtures/device.ts';
import { largestShare } from './fixtures/onnx_cases.ts';
import { GPU_VENDORS } from './fixtures/profiles.ts';

const ALL = ['lenet', 'unet', 'mobilenet_v3_large', 'resnet50'];

const wanted = process.env.TILEWISE_GPU_PLANS;
const MODELS = wanted && wanted !== 'all' ? wanted.split(',') : ALL;

/** Of the largest output: what goldens of PyTorch are held to. */
const TOLERANCE = 1e-5;

const HOURS = 3_600_000;

// llvmpipe takes half as long to compile for half as wide vectors.
if (wanted) process.env.LP_NATIVE_VECTOR_WIDTH = '128';

const device = useDevice();

afterEach(() => {
  vi.restoreAllMocks();
});

/** A GPU with the limits of the adapter that computes. */
function gpuBy(vendor: string): DeviceProfile {
  return { ...ANY_GPU, vendor, limits: device().profile.limits };
}

/** Makers whose GPUs get plans of their own; others get one of these. */
function makersOf(graph: Graph): readonly string[] {
  const plans = new Map<string, string>();
  for (const vendor of GPU_VENDORS) {
    const { dispatches } = planFor({ profile: gpuBy(vendor) }, graph, {});
    const text = dispatches.map(({ source, workgroups }) => `${source}${workgroups}`).join('');
    if (!plans.has(text)) plans.set(text, vendor);
  }
  return [...plans.values()];
}

async function resultOf(graph: Graph): Promise<{ y: Float32Array; dispatches: number }> {
  const weights = syntheticWeights([]);
  using session = await createSession(device(), graph, { weights });
  const x = syntheticInput(session.inputs[0]?.shape ?? []);
  const [y = new Float32Array()] = Object.values(await session.run(x));
  return { y, dispatches: session.plan.dispatches.length };
}

describe('plans of GPUs', () => {
  if (!wanted) console.log('skipped: npm run test:gpu-plans runs whole plans of GPUs');

  it.skipIf(!wanted).each(MODELS)(
    'of %s compute what the plan of this adapter does',
    async (model) => {
      const graph = buildModel(findModel(model));
      const own = await resultOf(graph);
      for (const vendor of makersOf(graph)) {
        actAs(device(), gpuBy(vendor));
        const begun = performance.now();
        const { y, dispatches } = await resultOf(graph);
        vi.restoreAllMocks();
        const difference = largestShare(y, own.y);
        const seconds = ((performance.now() - begun) / 1000).toFixed(0);
        console.log(
          `${model} as on a GPU by "${vendor}": ${dispatches} dispatches, ${difference.toExponential(1)} of the largest output, ${seconds} s`,
        );
        expect(difference, vendor).toBeLessThan(TOLERANCE);
      }
    },
    HOURS,
  );
});
