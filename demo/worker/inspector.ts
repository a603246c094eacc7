import { operatorText } from '../../measure/kernels/index.ts';
import {
  buildModel,
  createSession,
  type Device,
  describeConfig,
  findModel,
  type Graph,
  lowerBoundOf,
  multiplyAdds,
  prepare,
  profile,
  syntheticInput,
  syntheticWeights,
  verify,
  type WeightSource,
  weightsOf,
} from '../../src/index.ts';
import type { Calls, LayerLine, LayerTimes, ModelName, PlanReport } from '../engine/calls.ts';
import type { CallContext } from '../engine/serve.ts';
import { tuningOf } from './tuning.ts';

/** Plans, times and checks models. Weights are synthetic: neither time nor correctness depends on them. */

export async function planModel(device: Device, model: ModelName): Promise<PlanReport> {
  const tuning = await tuningOf(device);
  const { plan, origin } = prepare(graphOf(model), { device: device.profile, tuning });
  const { dispatches, activations, memory } = plan;
  return {
    steps: activations.steps,
    dispatches: dispatches.map(({ node, kernel, config, source, workgroups }) => ({
      layer: node.name,
      computes: operatorText(node),
      layers: (origin.get(node) ?? []).map(({ name }) => name),
      shape: node.output.desc.shape,
      multiplyAdds: multiplyAdds(node),
      kernel,
      config: describeConfig(config),
      source,
      workgroups,
    })),
    activations: {
      storages: activations.storages.map(({ name, bytes, firstStep, lastStep }, i) => ({
        name,
        bytes,
        firstStep,
        lastStep,
        buffer: activations.bufferOf[i] ?? 0,
      })),
      buffers: activations.buffers,
      bytes: activations.bytes,
      lowerBound: lowerBoundOf(activations),
    },
    weightBytes: memory.weights,
  };
}

export async function timeModel(
  device: Device,
  model: ModelName,
  { onProgress, signal }: CallContext<Calls['time']['progress']>,
): Promise<LayerTimes> {
  const graph = graphOf(model);
  const session = await createSession(device, graph, {
    weights: weightsFor(graph),
    tuning: await tuningOf(device),
    signal,
    onProgress: ({ stage, done, total }) => onProgress({ stage, done, total }),
  });
  try {
    const { clock, ceilings, passMs, dispatches } = await profile(session, inputOf(graph), {
      runs: 3,
      signal,
      onProgress: (done, total) => onProgress({ stage: 'time', done, total }),
    });
    return { clock, ceilings, passMs, dispatches };
  } finally {
    session.dispose();
  }
}

export async function verifyModel(
  device: Device,
  model: ModelName,
  { onProgress, signal }: CallContext<Calls['verify']['progress']>,
): Promise<undefined> {
  const graph = graphOf(model);
  await verify(
    device,
    graph,
    { input: inputOf(graph) },
    {
      weights: weightsFor(graph),
      tuning: await tuningOf(device),
      signal,
      onLayer: (done, total) => onProgress({ kind: 'layer', done, total }),
      onCheck: (check) => onProgress({ kind: 'check', line: lineOf(check) }),
    },
  );
  return undefined;
}

function lineOf(check: LayerLine): LayerLine {
  const { layer, op, computes, kernel, error, index, expected, actual, ok } = check;
  return { layer, op, computes, kernel, error, index, expected, actual, ok };
}

function graphOf(model: ModelName): Graph {
  return buildModel(findModel(model));
}

function weightsFor(graph: Graph): WeightSource {
  return syntheticWeights(weightsOf(graph).map(({ name }) => name));
}

function inputOf({ inputs }: Graph): Float32Array {
  return syntheticInput(inputs[0]?.desc.shape ?? []);
}
