import type { Command } from 'commander';
import { tune } from '../../src/index.ts';
import {
  addCommonOptions,
  addModelOptions,
  buildFromOptions,
  type ModelOptions,
} from '../options.ts';
import { clearProgress, formatMs, print, printJson, progress } from '../output.ts';
import { withDevice } from '../runner.ts';
import { formatTable } from '../table.ts';
import { readTuning, tuningFile, writeTuning } from '../tuning_file.ts';
import { packageVersion } from '../version.ts';

export function addTuneCommand(program: Command): void {
  const command = addModelOptions(program.command('tune')).description(
    'time the kernels that could run each layer on this device, and keep the fastest for later runs',
  );
  command.option('--again', 'time layers that were tuned before, too');
  addCommonOptions(command).action(tuneModel);
}

async function tuneModel(options: ModelOptions & { readonly again?: boolean }): Promise<void> {
  const { model, graph } = buildFromOptions(options);
  await withDevice(options, async ({ device }) => {
    const { name: adapter } = device.adapter;
    const file = tuningFile(adapter, packageVersion());
    const known = options.again ? undefined : readTuning(file, adapter);
    const { tuning, results } = await tune(device, graph, {
      tuning: known,
      precision: options.precision,
      onProgress: (done, total) => progress('tuning layers', done, total),
    });
    clearProgress();
    writeTuning(file, adapter, tuning);
    if (options.json) {
      printJson({ model: model.name, adapter, file, layers: results });
      return;
    }
    if (results.length === 0) {
      print(`${model.name} is tuned for ${adapter} already (--again times it anew)`);
      return;
    }
    const rows = results.map(({ layer, kernel, ms, untunedMs, config }) => [
      layer,
      kernel,
      formatMs(ms),
      formatMs(untunedMs),
      `${(untunedMs / ms).toFixed(2)} x`,
      JSON.stringify(config),
    ]);
    print(`${model.name} on ${adapter}`);
    print(formatTable(['layer', 'kernel', 'tuned', 'untuned', 'faster', 'configuration'], rows));
    print(`\nkept in ${file}; every command uses it from now on`);
  });
}
