import type { Command } from 'commander';
import { buildModel, type Classification, type Classifier } from '../../src/index.ts';
import { decodeImage } from '../decode_image.ts';
import { fail } from '../failure.ts';
import { openModel } from '../open_model.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  type CommonOptions,
  MODEL_OPTION,
  parseCount,
  type WeightsOptions,
} from '../options.ts';
import { formatMs, print, printJson, roundMs } from '../output.ts';
import { createClassifier, withDevice } from '../runner.ts';
import { formatTable } from '../table.ts';
import { loadWeights } from '../weights.ts';

interface ClassifyOptions extends CommonOptions, WeightsOptions {
  readonly model: string;
  readonly top: number;
}

export function addClassifyCommand(program: Command): void {
  const command = program
    .command('classify')
    .description('say what is in pictures')
    .argument('<image...>', 'PNG, JPEG, WebP, GIF, TIFF or AVIF files')
    .option(...MODEL_OPTION, 'resnet50')
    .option('--top <k>', 'how many classes to show', parseCount, 5);
  addCommonOptions(addWeightsOptions(command)).action(classify);
}

async function classify(images: readonly string[], options: ClassifyOptions): Promise<void> {
  const model = openModel(options.model);
  const weights = await loadWeights(model, buildModel(model), options);
  await withDevice(options, async ({ device }) => {
    using classifier = await createClassifier(device, model, weights);
    for (const path of images) {
      try {
        const { top, ms } = await classifyFile(classifier, path, options.top);
        const adapter = device.adapter.name;
        if (options.json) printJson({ image: path, model: model.name, adapter, top, ms });
        else print(format(path, top, ms));
      } catch (error) {
        // One bad picture does not keep the others from being looked at.
        fail(error);
      }
    }
  });
}

async function classifyFile(
  classifier: Classifier,
  path: string,
  count: number,
): Promise<{ readonly top: readonly Classification[]; readonly ms: number }> {
  const image = await decodeImage(path);
  const begun = performance.now();
  const top = await classifier.classify(image, count);
  return { top, ms: roundMs(performance.now() - begun) };
}

function format(path: string, top: readonly Classification[], ms: number): string {
  const rows = top.map(({ label, probability }) => [`  ${label}`, probability.toFixed(4)]);
  return `${path} (${formatMs(ms)})\n${formatTable(['  class', 'probability'], rows)}`;
}
