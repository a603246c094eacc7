import type { Command } from 'commander';
import {
  type LayerProfile,
  type Node,
  type Profile,
  profile,
  syntheticInput,
  traceOf,
} from '../../src/index.ts';
import { parseCount, parseOutput } from '../../terminal/option_values.ts';
import { formatMs, print, printJson } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import {
  addCommonOptions,
  addModelOptions,
  addWeightsOptions,
  buildFromOptions,
  type ModelOptions,
  type WeightsOptions,
} from '../options.ts';
import { writeOutput } from '../output_file.ts';
import { openSession, withDevice } from '../runner.ts';
import { configLegend, shortConfig } from '../short_config.ts';
import { loadWeights } from '../weights.ts';

interface ProfileOptions extends ModelOptions, WeightsOptions {
  readonly runs: number;
  readonly trace?: string;
}

export function addProfileCommand(program: Command): void {
  const command = addModelOptions(program.command('profile'))
    .description('show where the time of a run goes, layer by layer')
    .option('--runs <n>', 'runs to take the median of', parseCount, 5)
    .option('--trace <file>', 'write a trace that ui.perfetto.dev opens', parseOutput());
  addWeightsOptions(command, 'synthetic');
  addCommonOptions(command).action(profileModel);
}

async function profileModel(options: ProfileOptions): Promise<void> {
  const { model, graph, inputShape } = await buildFromOptions(options);
  const weights = await loadWeights(model, graph, options);
  await withDevice(options, async ({ device }) => {
    using session = await openSession(device, graph, { ...options, weights });
    const { plan, origin } = session.prepared;
    const fused = new Map(plan.graph.nodes.map((node) => [node.name, namesOf(origin.get(node))]));
    const result = await profile(session, syntheticInput(inputShape), {
      runs: options.runs,
    });
    if (options.trace) {
      await writeOutput('trace', options.trace, JSON.stringify(traceOf(session, result)));
    }
    const { name: adapter } = device.adapter;
    const layers = result.layers.map((layer) => ({
      ...layer,
      computes: fused.get(layer.layer) ?? [layer.layer],
    }));
    if (options.json) printJson({ model: model.name, adapter, ...result, layers });
    else print(`${model.name}, batch ${options.batch}, on ${adapter}\n${format(result)}`);
  });
}

/** The layers of the model that a node computes. */
function namesOf(nodes: readonly Node[] = []): readonly string[] {
  return nodes.map(({ name }) => name);
}

const HEAD = [
  'layer',
  'kernel',
  'configuration',
  'ms',
  'of run',
  'GFLOP/s',
  'of FMA',
  'GB/s',
  'of copy',
];

const CLOCKS: Readonly<Record<Profile['clock'], string>> = {
  gpu: 'times by the GPU’s timestamps',
  host: 'this adapter has no timestamps: times are the host’s, with the cost of a submit in each',
};

function format(result: Profile): string {
  const { clock, ceilings, layers, passMs, gflops, shareOfFma } = result;
  const sum = layers.reduce((total, { ms }) => total + ms, 0);
  const rows = layers
    .toSorted((a, b) => b.ms - a.ms)
    .flatMap((layer) => [layerRow(layer, sum), ...partRows(layer, result, sum)]);
  return [
    formatTable(HEAD, rows),
    '',
    `configuration      ${configLegend(layers.map(({ config }) => config))}`,
    `sum of the layers  ${formatMs(sum)}, ${percent(sum / passMs)} of one pass of them; ${CLOCKS[clock]}`,
    `one pass           ${formatMs(passMs)}, ${gflops.toFixed(1)} GFLOP/s of direct convolution, ${percent(shareOfFma)} of the limit`,
    `limits measured    ${ceilings.gflops.toFixed(1)} GFLOP/s of multiply-adds, ${ceilings.gigabytesPerSecond.toFixed(1)} GB/s of copying`,
  ].join('\n');
}

function layerRow(layer: LayerProfile, sum: number): readonly string[] {
  const computes = layer.gflops > 0;
  return [
    layer.layer,
    layer.kernel,
    shortConfig(layer.config),
    ...times(layer, sum),
    computes ? layer.gflops.toFixed(1) : '',
    computes ? percent(layer.shareOfFma) : '',
    ...bandwidth(layer),
  ];
}

/** The dispatches of a layer that takes several, in their order; arithmetic is counted by the layer. */
function partRows({ layer }: LayerProfile, { dispatches }: Profile, sum: number) {
  return dispatches
    .filter((dispatch) => dispatch.layer === layer && dispatch.part !== undefined)
    .map((part) => [`  ${part.part}`, '', '', ...times(part, sum), '', '', ...bandwidth(part)]);
}

function times({ ms }: LayerProfile, sum: number): readonly string[] {
  return [ms.toFixed(3), percent(ms / Math.max(sum, Number.MIN_VALUE))];
}

function bandwidth({ gigabytesPerSecond, shareOfBandwidth }: LayerProfile): readonly string[] {
  return [gigabytesPerSecond.toFixed(1), percent(shareOfBandwidth)];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
