import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describeConfig, type Profile, profile, syntheticInput, traceOf } from '../../src/index.ts';
import {
  addCommonOptions,
  addModelOptions,
  addWeightsOptions,
  buildFromOptions,
  type ModelOptions,
  parseCount,
  type WeightsOptions,
} from '../options.ts';
import { formatMs, print, printJson } from '../output.ts';
import { openSession, withDevice } from '../runner.ts';
import { formatTable } from '../table.ts';
import { loadWeights } from '../weights.ts';

interface ProfileOptions extends ModelOptions, WeightsOptions {
  readonly runs: number;
  readonly trace?: string;
}

export function addProfileCommand(program: Command): void {
  const command = addModelOptions(program.command('profile'))
    .description('show where the time of a run goes, layer by layer')
    .option('--runs <n>', 'runs to take the median of', parseCount, 5)
    .option('--trace <file>', 'write a trace that ui.perfetto.dev opens');
  addWeightsOptions(command, 'synthetic');
  addCommonOptions(command).action(profileModel);
}

async function profileModel(options: ProfileOptions): Promise<void> {
  const { model, graph, inputShape } = buildFromOptions(options);
  const weights = await loadWeights(model, graph, options);
  await withDevice(options, async ({ device }) => {
    using session = await openSession(device, graph, { ...options, weights });
    const result = await profile(session, syntheticInput(inputShape), {
      runs: options.runs,
    });
    if (options.trace) writeFileSync(options.trace, JSON.stringify(traceOf(session, result)));
    const { name: adapter } = device.adapter;
    if (options.json) printJson({ model: model.name, adapter, ...result });
    else print(`${model.name}, batch ${options.batch}, on ${adapter}\n${format(result)}`);
  });
}

function format({ clock, ceilings, dispatches, passMs }: Profile): string {
  const sum = dispatches.reduce((total, { ms }) => total + ms, 0);
  const rows = dispatches
    .toSorted((a, b) => b.ms - a.ms)
    .map((dispatch) => [
      dispatch.layer,
      dispatch.kernel,
      describeConfig(dispatch.config),
      dispatch.ms.toFixed(3),
      percent(dispatch.ms / Math.max(sum, Number.MIN_VALUE)),
      dispatch.gflops.toFixed(1),
      percent(dispatch.shareOfFma),
      dispatch.gigabytesPerSecond.toFixed(1),
      percent(dispatch.shareOfBandwidth),
    ]);
  const head = [
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
  const clocks = {
    gpu: 'times by the GPU’s timestamps',
    host: 'this adapter has no timestamps: times are the host’s, with the cost of a submit in each',
  };
  return [
    formatTable(head, rows),
    '',
    `sum of the layers  ${formatMs(sum)}; one pass of them ${formatMs(passMs)}; ${clocks[clock]}`,
    `limits measured    ${ceilings.gflops.toFixed(1)} GFLOP/s of multiply-adds, ${ceilings.gigabytesPerSecond.toFixed(1)} GB/s of copying`,
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
