import type { Command } from 'commander';
import { formatShape, type Shape } from '../../src/index.ts';
import { exportOnnx } from '../../src/onnx/index.ts';
import { parseOutput } from '../../terminal/option_values.ts';
import { formatBytes, print, printJson } from '../../terminal/output.ts';
import {
  addModelOptions,
  addWeightsOptions,
  buildFromOptions,
  JSON_OPTION,
  type ModelOptions,
  type WeightsOptions,
} from '../options.ts';
import { writeOutput } from '../output_file.ts';
import { loadWeights } from '../weights.ts';

interface ExportOptions extends ModelOptions, WeightsOptions {
  readonly out: string;
  readonly dynamicBatch?: boolean;
}

export function addExportCommand(program: Command): void {
  addWeightsOptions(addModelOptions(program.command('export')))
    .description('write a model with its weights as an ONNX file')
    .requiredOption('--out <file>', 'the .onnx file to write', parseOutput('.onnx'))
    .option('--dynamic-batch', 'leave the batch open, so that the file takes any')
    .option(...JSON_OPTION)
    .action(exportModel);
}

async function exportModel(options: ExportOptions): Promise<void> {
  const { model, graph, inputShape } = await buildFromOptions(options);
  const weights = await loadWeights(model, graph, options);
  const { labels } = model;
  const bytes = exportOnnx(graph, weights, {
    dynamicBatch: options.dynamicBatch ?? false,
    ...(labels && { labels }),
  });
  await writeOutput('ONNX file', options.out, bytes);
  const outputs = Object.fromEntries(
    [...graph.outputs].map(([name, { desc }]) => [name, desc.shape] as const),
  );
  if (options.json) {
    printJson({ model: model.name, file: options.out, bytes: bytes.length, inputShape, outputs });
    return;
  }
  const shown = (shape: Shape) =>
    options.dynamicBatch ? formatShape(shape).replace(/\d+/, 'batch') : formatShape(shape);
  print(`${model.name} written to ${options.out}, ${formatBytes(bytes.length)}`);
  print(`input ${shown(inputShape)}`);
  for (const [name, shape] of Object.entries(outputs)) print(`${name} ${shown(shape)}`);
}
