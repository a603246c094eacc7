import type { Command } from 'commander';
import { buildModel, findModel, formatShape, syntheticInput, verify } from '../../src/index.ts';
import {
  addCommonOptions,
  type CommonOptions,
  MODEL_OPTION,
  parseCount,
  parseSize,
  WEIGHTS_OPTION,
} from '../options.ts';
import { clearProgress, print, printJson, progress } from '../output.ts';
import { withDevice } from '../runner.ts';
import { formatTable } from '../table.ts';
import { loadWeights } from '../weights.ts';

interface VerifyOptions extends CommonOptions {
  readonly model: string;
  readonly weights?: string;
  readonly batch: number;
  readonly size?: readonly [number, number];
}

export function addVerifyCommand(program: Command): void {
  addCommonOptions(program.command('verify'))
    .description("compare every layer's output on this device with the CPU, worst first")
    .requiredOption(...MODEL_OPTION)
    .option(...WEIGHTS_OPTION, 'synthetic')
    .option('--batch <n>', 'images a run', parseCount, 1)
    .option('--size <H,W>', "size of the images; the model's own by default", parseSize)
    .action(verifyModel);
}

async function verifyModel(options: VerifyOptions): Promise<void> {
  const model = findModel(options.model);
  const { batch, size = model.size } = options;
  const graph = buildModel(model, { batch, size });
  const weights = loadWeights(model.name, graph, options.weights);
  const input = syntheticInput([batch, model.channels, ...size]);
  await withDevice(options, async ({ device }) => {
    const onLayer = (done: number, total: number) => progress('checking layers', done, total);
    const checks = await verify(device, graph, { input }, { weights, onLayer });
    clearProgress();
    const wrong = checks.filter(({ ok }) => !ok);
    if (wrong.length > 0) process.exitCode = 1;
    const { name: adapter } = device.adapter;
    if (options.json) {
      printJson({ model: model.name, adapter, ok: wrong.length === 0, layers: checks });
      return;
    }
    const rows = checks.map((check) => [
      check.ok ? 'ok' : 'WRONG',
      check.layer,
      check.kernel ?? 'view',
      check.error.toExponential(1),
      formatShape(check.index),
      check.expected.toPrecision(6),
      check.actual.toPrecision(6),
    ]);
    print(`${model.name} on ${adapter}`);
    print(formatTable(['', 'layer', 'kernel', 'error', 'worst at', 'CPU', 'GPU'], rows));
    const verdict = wrong.length === 0 ? 'all layers agree' : `${wrong.length} layers are wrong`;
    print(`\n${verdict}; errors are shares of each layer's largest value`);
  });
}
