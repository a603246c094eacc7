/**
 * Compiles what a plan would dispatch on this process's GPU, for `bench:isa` to read the driver's log. Runs in a
 * process of its own, since a driver is chosen before a process starts. Writes one JSON line for each pipeline to file
 * descriptor 3: drivers may print to the others.
 */
import { writeSync } from 'node:fs';
import { openNodeGpu } from '../../node/gpu.ts';
import { Device, multiplyAdds, type Node, planFor, subgroupMatrices } from '../../src/index.ts';
import { compilePipeline } from './compile_pipeline.ts';
import { graphOf } from './graph_of.ts';

/** One pipeline. */
export interface Compiled {
  readonly adapter: string;
  /** As WebGPU names it. */
  readonly vendor: string;
  /** The first layer that runs it. */
  readonly layer: string;
  readonly kernel: string;
  readonly config: object;
  /** Whether the plan runs it; others are candidates only. */
  readonly chosen: boolean;
  /** Undefined where it is not known. */
  readonly workgroups?: number | undefined;
  /** `3x3`, of a convolution. */
  readonly window?: string | undefined;
  /** Of all layers that run it. */
  readonly multiplyAdds: number;
  /** What compiling it took. */
  readonly milliseconds: number;
  /** Multiply-adds of an invocation in one step over k, of convolutions on workgroup tiles. */
  readonly step?: number | undefined;
}

const [model = 'resnet50', batch = '1', precision = 'f32', candidates = 'false', matrices] =
  process.argv.slice(2);

const experimental = matrices === 'true';
const node = await openNodeGpu(undefined, { experimental });
const device = await Device.open(node.gpu, {
  adapter: node.adapter,
  experimental: experimental ? subgroupMatrices() : undefined,
});
// Nothing is written, which says so.
if (precision === 'f16' && !device.profile.shaderF16) process.exit(0);
const graph = graphOf(model, Number(batch));
const plan = planFor(device, graph, { precision: precision === 'f16' ? 'f16' : 'f32' });
const LINES = 3;
const seen = new Set<string>();

/** `source` and a layer that runs it. */
interface Pipeline {
  readonly source: string;
  readonly layer: Node;
  readonly kernel: string;
  readonly config: object;
  readonly chosen: boolean;
  readonly workgroups: readonly [number, number, number];
}

/** Each of a layer's dispatches counts for the whole layer: of several, one does nearly all of its multiply-adds. */
const workOf = new Map<string, number>();
for (const { node: layer, source } of plan.dispatches) {
  workOf.set(source, (workOf.get(source) ?? 0) + multiplyAdds(layer));
}

async function compile({ source, layer, workgroups, ...about }: Pipeline): Promise<void> {
  if (seen.has(source)) return;
  seen.add(source);
  const milliseconds = await compilePipeline(device.gpu, source);
  const compiled: Compiled = {
    adapter: device.adapter.name,
    vendor: device.profile.vendor,
    layer: layer.name,
    ...about,
    workgroups: workgroups.reduce((product, count) => product * count),
    window: windowOf(layer),
    multiplyAdds: workOf.get(source) ?? 0,
    milliseconds,
    step: stepOf(about.config),
  };
  writeSync(LINES, `${JSON.stringify(compiled)}\n`);
}

function windowOf({ op, inputs }: Node): string | undefined {
  const weight = 'weight' in inputs ? inputs.weight : undefined;
  return op.name === 'conv2d' ? weight?.desc.shape.slice(2).join('x') : undefined;
}

/** Of conv2d_tiled, also where other kernels run it. */
function stepOf(config: object): number | undefined {
  const { depth, pixelQuads, channelQuads } = config as Readonly<Record<string, unknown>>;
  if ([depth, pixelQuads, channelQuads].every((value) => typeof value === 'number')) {
    return 16 * Number(pixelQuads) * Number(channelQuads) * Number(depth);
  }
  const [inner] = Object.values(config).filter((value) => 'depth' in Object(value));
  return inner && stepOf(inner);
}

for (const { node: layer, kernel, config, source, workgroups } of plan.dispatches) {
  await compile({ source, layer, kernel, config, chosen: true, workgroups });
}
if (candidates === 'true') {
  for (const layer of plan.graph.nodes) {
    for (const { kernel, config, prefers, lower } of layer.op.candidates(layer, device.profile)) {
      if (prefers === 'cpu') continue;
      for (const { workgroups, source } of lower().dispatches) {
        await compile({ source, layer, kernel, config, chosen: false, workgroups });
      }
    }
  }
}
device.dispose();
