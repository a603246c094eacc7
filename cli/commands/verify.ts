import type { Command } from 'commander';
import { formatShape, type LayerCheck, syntheticInput, verify } from '../../src/index.ts';
import { clearProgress, print, printJson, progress } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import {
  addCommonOptions,
  addModelOptions,
  addWeightsOptions,
  buildFromOptions,
  type ModelOptions,
  type WeightsOptions,
} from '../options.ts';
import { tuningOf, withDevice } from '../runner.ts';
import { loadWeights } from '../weights.ts';

type VerifyOptions = ModelOptions & WeightsOptions;

export function addVerifyCommand(program: Command): void {
  const command = addModelOptions(program.command('verify')).description(
    "compare every layer's output on this device with the CPU, worst first",
  );
  addWeightsOptions(command, 'synthetic');
  addCommonOptions(command).action(verifyModel);
}

async function verifyModel(options: VerifyOptions): Promise<void> {
  const { model, graph, inputShape } = await buildFromOptions(options);
  const weights = await loadWeights(model, graph, options);
  const input = syntheticInput(inputShape);
  await withDevice(options, async ({ device }) => {
    const onLayer = (done: number, total: number) => progress('checking layers', done, total);
    const { precision } = options;
    const tuning = await tuningOf(device);
    const checks = await verify(device, graph, { input }, { weights, precision, tuning, onLayer });
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
      fusedText(check),
      check.kernel ?? 'view',
      check.error === 0 ? '0' : check.error.toExponential(1),
      formatShape(check.index),
      check.expected.toPrecision(6),
      check.actual.toPrecision(6),
    ]);
    print(`${model.name} on ${adapter}`);
    print(formatTable(['', 'layer', 'with', 'kernel', 'error', 'worst at', 'CPU', 'GPU'], rows));
    const verdict = wrong.length === 0 ? 'all layers agree' : `${wrong.length} layers are wrong`;
    print(`\n${verdict}; errors are shares of each layer's largest value`);
  });
}

/** The layers that were fused into another, without the path that they share with it: `bn3, add, relu`. */
function fusedText({ layer, computes }: LayerCheck): string {
  const path = layer.slice(0, layer.lastIndexOf('.') + 1);
  return computes
    .filter((name) => name !== layer)
    .map((name) => (name.startsWith(path) ? name.slice(path.length) : name))
    .join(', ');
}
