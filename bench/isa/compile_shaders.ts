/**
 * Compiles what a plan would dispatch on this process's GPU, for `bench:isa` to read the driver's log. Runs in a
 * process of its own, since a driver is chosen before a process starts. Prints one JSON line for each
 * pipeline on stdout, before it compiles it; the driver prints the machine code on stderr.
 */
import { openNodeGpu } from '../../node/gpu.ts';
import { buildModel, Device, findModel, planFor, subgroupMatrices } from '../../src/index.ts';

/** One pipeline. */
export interface Compiled {
  readonly adapter: string;
  /** The first layer that runs it. */
  readonly layer: string;
  readonly kernel: string;
  readonly config: object;
  /** Whether the plan runs it; others are candidates only. */
  readonly chosen: boolean;
  readonly workgroups: number;
}

const [model = 'resnet50', batch = '1', precision = 'f32', candidates = 'false', matrices] =
  process.argv.slice(2);

const experimental = matrices === 'true';
const node = await openNodeGpu(undefined, { experimental });
const device = await Device.open(node.gpu, {
  adapter: node.adapter,
  experimental: experimental ? subgroupMatrices() : undefined,
});
const graph = buildModel(findModel(model), { batch: Number(batch) });
const plan = planFor(device, graph, { precision: precision === 'f16' ? 'f16' : 'f32' });
const seen = new Set<string>();

type Pipeline = Omit<Compiled, 'adapter'> & { readonly source: string };

async function compile({ source, ...about }: Pipeline): Promise<void> {
  if (seen.has(source)) return;
  seen.add(source);
  const module = device.gpu.createShaderModule({ code: source });
  await device.gpu.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  process.stdout.write(`${JSON.stringify({ adapter: device.adapter.name, ...about })}\n`);
}

function size([x, y, z]: readonly [number, number, number]): number {
  return x * y * z;
}

for (const { node: layer, kernel, config, source, workgroups } of plan.dispatches) {
  const about = { layer: layer.name, kernel, config, chosen: true };
  await compile({ ...about, workgroups: size(workgroups), source });
}
if (candidates === 'true') {
  for (const layer of plan.graph.nodes) {
    for (const { kernel, config, prefers, lower } of layer.op.candidates(layer, device.profile)) {
      if (prefers === 'cpu') continue;
      for (const { workgroups, source } of lower().dispatches) {
        const about = { layer: layer.name, kernel, config, chosen: false };
        await compile({ ...about, workgroups: size(workgroups), source });
      }
    }
  }
}
device.dispose();
