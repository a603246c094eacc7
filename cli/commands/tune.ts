import { type Command, Option } from 'commander';
import { fileTuningStore, forgetTuning, type KeptTuning } from '../../node/tuning_file.ts';
import { describeConfig, type TuneResult, tune, tuningKey } from '../../src/index.ts';
import { interruptible } from '../../terminal/interrupt.ts';
import {
  clearProgress,
  formatMs,
  note,
  print,
  printJson,
  progress,
} from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import {
  addCommonOptions,
  addModelOptions,
  buildFromOptions,
  type CommonOptions,
  type ModelOptions,
} from '../options.ts';
import { withDevice } from '../runner.ts';

interface TuneCommandOptions extends ModelOptions {
  readonly again?: boolean;
  readonly list?: boolean;
  readonly forget?: boolean;
}

/** Options that say what is tuned. */
const OF_TUNING = ['model', 'batch', 'size', 'precision', 'again'];

export function addTuneCommand(program: Command): void {
  const command = program
    .command('tune')
    .description(
      'time the kernels that could run each layer on this device, and keep the fastest for later runs',
    );
  addModelOptions(command, 'resnet50')
    .option('--again', 'time layers that were tuned before, too')
    .addOption(
      new Option(
        '--list',
        'show what is kept, of the adapters whose names contain --adapter',
      ).conflicts(['forget', ...OF_TUNING]),
    )
    .addOption(
      new Option(
        '--forget',
        'delete what is kept, of the adapters whose names contain --adapter',
      ).conflicts(OF_TUNING),
    );
  addCommonOptions(command).action((options: TuneCommandOptions) => {
    if (options.forget) return forget(options);
    return options.list ? list(options) : tuneModel(options);
  });
}

async function tuneModel(options: TuneCommandOptions): Promise<void> {
  const { model, graph } = await buildFromOptions(options);
  const store = fileTuningStore();
  const { precision, again } = options;
  await withDevice(options, async ({ device }) => {
    const { name: adapter } = device.adapter;
    const file = store.fileOf(tuningKey(device));
    const results = await interruptible((signal) =>
      tune(device, graph, {
        ...{ store, precision, again, signal },
        onProgress: (done, total, left) => progress('tuning layers', done, total, left),
        onWarning: (message) => note(`warning: ${message}`),
      }).then(
        (tuned) => tuned.results,
        (error) => {
          if (!signal.aborted) throw error;
          return undefined;
        },
      ),
    );
    clearProgress();
    if (!results)
      note(`stopped; what was found by then is kept in ${file}, and is not timed again`);
    else if (options.json)
      printJson({ model: model.name, adapter, precision, file, layers: results });
    else if (results.length === 0)
      print(`${model.name} is tuned for ${adapter} already (--again times it anew)`);
    else {
      print(`${model.name} on ${adapter}`);
      printResults(results);
      print(`kept in ${file}; every command uses it from now on`);
    }
  });
}

/** Columns of a line; what does not fit is in the output of --json. */
const WIDTH = 160;
const LAYER_WIDTH = 36;

function printResults(results: readonly TuneResult[]): void {
  const rows = results.map(({ layer, layers, kernel, ms, untunedMs, config }) => [
    clip(layer, LAYER_WIDTH),
    layers,
    formatMs(ms),
    formatMs(untunedMs),
    ms > 0 ? `${(untunedMs / ms).toFixed(2)} x` : '',
    kernel,
    describeConfig(config),
  ]);
  const head = ['layer', 'alike', 'tuned', 'untuned', 'faster', 'kernel', 'configuration'];
  const lines = formatTable(head, rows).split('\n');
  print(lines.map((line) => clip(line, WIDTH)).join('\n'));
  const sum = (ms: (result: TuneResult) => number): number =>
    results.reduce((total, result) => total + result.layers * ms(result), 0);
  const [before, after] = [sum(({ untunedMs }) => untunedMs), sum(({ ms }) => ms)];
  print(
    `\n${sum(() => 1)} layers of ${results.length} shapes: ${formatMs(before)} untuned, ${formatMs(after)} tuned, ${(before / after).toFixed(2)} x as fast`,
  );
}

function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

async function list(options: CommonOptions): Promise<void> {
  const kept = await keptFor(options);
  if (options.json) return printJson({ folder: fileTuningStore().folder, kept });
  if (kept.length === 0) return print(nothingKept(options));
  const rows = kept.map(({ key, shapes, modified, file }) => [
    key ?? 'unreadable, or of another version',
    shapes,
    modified.toISOString().slice(0, 16).replace('T', ' '),
    file,
  ]);
  print(formatTable(['kept for', 'shapes', 'tuned (UTC)', 'file'], rows));
}

async function forget(options: CommonOptions): Promise<void> {
  const kept = await keptFor(options);
  for (const tuning of kept) await forgetTuning(tuning);
  if (options.json) return printJson({ folder: fileTuningStore().folder, forgotten: kept });
  if (kept.length === 0) return print(nothingKept(options));
  for (const { key, file } of kept) print(`forgot ${key ?? 'what could not be read'} (${file})`);
}

/** Of all adapters, or of those that `--adapter` means; the device itself need not be there. */
async function keptFor({ adapter = '' }: CommonOptions): Promise<readonly KeptTuning[]> {
  const kept = await fileTuningStore().list();
  const wanted = adapter.toLowerCase();
  return kept.filter(({ key }) => (key ?? '').toLowerCase().includes(wanted));
}

function nothingKept({ adapter }: CommonOptions): string {
  const which = adapter === undefined ? '' : ` for an adapter whose name contains "${adapter}"`;
  return `nothing is kept${which} in ${fileTuningStore().folder}; "tilewise tune --model NAME" tunes`;
}
