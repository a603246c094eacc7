import type { Command } from 'commander';
import { IMAGE_FORMATS } from '../../node/decode_image.ts';
import { buildModel, type Classification, TilewiseError } from '../../src/index.ts';
import { parseCount, parseOutput } from '../../terminal/option_values.ts';
import { print, printJson } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { openClassifyingModel } from '../open_model.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  type CommonOptions,
  MODEL_OPTION,
  type WeightsOptions,
} from '../options.ts';
import { evenBatch, imagesLeft, imagesOf, overFiles, reportSummary } from '../over_files.ts';
import { addOwnModelOptions, domainFrom, type OwnModelOptions } from '../own_model.ts';
import { ResultFile } from '../result_file.ts';
import { createBatchClassifier, withDevice } from '../runner.ts';
import { loadWeights } from '../weights.ts';

interface ClassifyOptions extends CommonOptions, WeightsOptions, OwnModelOptions {
  readonly model: string;
  readonly top: number;
  readonly batch: number;
  readonly out?: string;
  readonly resume?: boolean;
}

export function addClassifyCommand(program: Command): void {
  const command = program
    .command('classify')
    .description('say what is in pictures, in one or in a million')
    .argument('<image...>', `${IMAGE_FORMATS} files, folders of them, or patterns`)
    .option(...MODEL_OPTION, 'resnet50')
    .option('--top <k>', 'how many classes to show', parseCount, 5)
    .option('--batch <n>', 'images a run, at most', parseCount, 8)
    .option('--out <file>', 'write results to a .csv or .jsonl file as they come', parseOutput())
    .option('--resume', 'keep the results that are in the file, and go on');
  addOwnModelOptions(addWeightsOptions(command));
  addCommonOptions(command).addHelpText('after', HELP).action(classify);
}

const HELP = `
Of folders, all images in them and below are taken but hidden ones. Links are
followed, and those that lead out of the folder are mentioned.
Files that cannot be read are listed at the end; the exit code then is 2.

  $ tilewise classify cat.jpg
  $ tilewise classify photos/ --batch 32 --out photos.csv
  $ tilewise classify leaf.jpg --model leaves.onnx --labels leaves.txt`;

async function classify(args: readonly string[], options: ClassifyOptions): Promise<void> {
  const model = openClassifyingModel(options.model);
  const { out, resume = false } = options;
  if (resume && out === undefined)
    throw new TilewiseError('--resume goes on with a file: give --out');
  const top = Math.min(options.top, model.classes);
  const images = await imagesOf(args);
  using file =
    out === undefined ? undefined : new ResultFile(out, { model: model.name, top, resume });
  // What is wrong with pictures is told before anything is said of weights.
  const paths = imagesLeft(args, images, file && { done: file.done, out });
  if (paths.length === 0) return;
  const domain = domainFrom(options.model, options, model.classes);
  const weights = await loadWeights(model, buildModel(model), options);
  const batch = evenBatch(paths.length, options.batch);
  await withDevice(options, async ({ device }) => {
    using classifier = await createBatchClassifier(device, model, {
      ...domain,
      precision: options.precision,
      weights,
      batch,
    });
    const adapter = device.adapter.name;
    const onResult = (image: string, classes: readonly Classification[]): void => {
      const result = { image, model: model.name, top: classes };
      file?.write(result);
      if (options.json) printJson({ ...result, adapter });
      else if (!file) print(format(image, classes));
    };
    const summary = await overFiles(paths, {
      what: 'classifying',
      batch,
      run: (pictures, hear) => classifier.classify(pictures, { count: top, ...hear }),
      onResult,
    });
    reportSummary(summary);
  });
}

function format(path: string, top: readonly Classification[]): string {
  const rows = top.map(({ label, probability }) => [`  ${label}`, probability.toFixed(4)]);
  return `${path}\n${formatTable(['  class', 'probability'], rows)}`;
}
