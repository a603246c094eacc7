import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { buildModel, type Classification, domainOf, TilewiseError } from '../../src/index.ts';
import { parseCount } from '../../terminal/option_values.ts';
import { formatCount, formatPercent, note, print, printJson } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { openClassifyingModel } from '../open_model.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  type CommonOptions,
  MODEL_OPTION,
  type WeightsOptions,
} from '../options.ts';
import { evenBatch, imagesOf, overFiles, reportSummary } from '../over_files.ts';
import { addPreprocessingOption, domainFrom, type PreprocessingOptions } from '../own_model.ts';
import { createBatchClassifier, withDevice } from '../runner.ts';
import {
  type Classes,
  foldersAsClasses,
  readTrueClasses,
  type TrueClasses,
} from '../true_classes.ts';
import { loadWeights } from '../weights.ts';

interface EvaluateOptions extends CommonOptions, WeightsOptions, PreprocessingOptions {
  readonly model: string;
  readonly data: string;
  readonly labels?: string;
  readonly batch: number;
  readonly perClass?: boolean;
}

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command('evaluate')
    .description('measure how often a model is right')
    .option(...MODEL_OPTION, 'resnet50')
    .requiredOption('--data <dir>', 'a folder of images')
    .option(
      '--labels <file>',
      "lines of an image and its class, by index or label; by default the images' folders are their classes",
    )
    .option('--batch <n>', 'images a run, at most', parseCount, 8)
    .option('--per-class', 'also each class by itself');
  addPreprocessingOption(addWeightsOptions(command));
  addCommonOptions(command).addHelpText('after', HELP).action(evaluate);
}

const HELP = `
Images are found as by "tilewise classify". The exit code is 2 where some could
not be read.

  $ tilewise evaluate --data imagenet/val --batch 32
  $ tilewise evaluate --data photos --labels photos.csv --per-class`;

interface Shares {
  readonly images: number;
  /** 0 to 1 */
  readonly top1: number;
  readonly top5: number;
}

/** How often the right class was the first, and among the first five. */
class Tally {
  images = 0;
  top1 = 0;
  top5 = 0;

  add(truth: number, top: readonly Classification[]): void {
    this.images++;
    if (top[0]?.class === truth) this.top1++;
    if (top.slice(0, 5).some(({ class: index }) => index === truth)) this.top5++;
  }

  get shares(): Shares {
    const { images, top1, top5 } = this;
    return { images, top1: top1 / images, top5: top5 / images };
  }
}

async function evaluate(options: EvaluateOptions): Promise<void> {
  const model = openClassifyingModel(options.model);
  const { labels } = domainOf(model);
  const images = await imagesIn(options.data);
  const truth = trueClasses(options, images, { model: model.name, labels });
  const { model: name, preprocessing } = options;
  const domain = domainFrom(name, preprocessing === undefined ? {} : { preprocessing });
  const weights = await loadWeights(model, buildModel(model), options);
  await withDevice(options, async ({ device }) => {
    const batch = evenBatch(truth.size, options.batch);
    using classifier = await createBatchClassifier(device, model, {
      ...domain,
      precision: options.precision,
      weights,
      batch,
    });
    const evaluation = new Evaluation(truth);
    const summary = await overFiles([...truth.keys()], {
      what: 'classifying',
      batch,
      run: (pictures, hear) => classifier.classify(pictures, { count: 5, ...hear }),
      onResult: (path, top) => evaluation.add(path, top),
    });
    reportSummary(summary);
    if (options.json) {
      const { name: adapter } = device.adapter;
      const { unreadable } = summary;
      const facts = { ...evaluation.total.shares, unreadable: unreadable.length };
      const perClass = options.perClass && { perClass: evaluation.describeClasses(labels) };
      printJson({ model: model.name, adapter, ...facts, ...perClass });
    } else {
      print(`${model.name} on ${device.adapter.name}\n${evaluation.format()}`);
      if (options.perClass) print(formatClasses(evaluation.describeClasses(labels)));
    }
  });
}

async function imagesIn(folder: string): Promise<readonly string[]> {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (!stats) throw new TilewiseError(`--data "${folder}": there is no such folder`);
  if (!stats.isDirectory()) throw new TilewiseError(`--data "${folder}" is a file, not a folder`);
  return imagesOf([folder]);
}

function trueClasses(
  { data, labels }: EvaluateOptions,
  images: readonly string[],
  classes: Classes,
): TrueClasses {
  const truth =
    labels === undefined
      ? foldersAsClasses(data, images, classes)
      : readTrueClasses(labels, data, images, classes);
  const unknown = images.length - truth.size;
  if (unknown > 0) note(`${unknown} of ${images.length} images have no class, and are left out`);
  return truth;
}

/** Counts over images whose class is known. */
class Evaluation {
  readonly total = new Tally();
  readonly #perClass = new Map<number, Tally>();
  readonly #truth: TrueClasses;

  constructor(truth: TrueClasses) {
    this.#truth = truth;
  }

  add(path: string, top: readonly Classification[]): void {
    const index = this.#truth.get(path);
    if (index === undefined) return;
    const tally = this.#perClass.get(index) ?? new Tally();
    this.#perClass.set(index, tally);
    tally.add(index, top);
    this.total.add(index, top);
  }

  format(): string {
    const { images, top1, top5 } = this.total;
    const line = (what: string, right: number) =>
      `  ${what}   ${formatPercent(right / images)}  (${formatCount(right)} of ${formatCount(images)})`;
    return images === 0 ? '  no image was read' : `${line('top-1', top1)}\n${line('top-5', top5)}`;
  }

  describeClasses(labels: readonly string[]): readonly ClassShares[] {
    return [...this.#perClass]
      .sort(([a], [b]) => a - b)
      .map(([index, { shares }]) => ({ class: index, label: labels[index] ?? '', ...shares }));
  }
}

interface ClassShares extends Shares {
  readonly class: number;
  readonly label: string;
}

function formatClasses(classes: readonly ClassShares[]): string {
  const rows = classes
    .toSorted((a, b) => a.top1 - b.top1)
    .map(({ label, images, top1, top5 }) => [
      label,
      images,
      formatPercent(top1),
      formatPercent(top5),
    ]);
  return `\n${formatTable(['class, worst first', 'images', 'top-1', 'top-5'], rows)}`;
}
