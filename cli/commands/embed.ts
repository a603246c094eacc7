import { extname } from 'node:path';
import type { Command } from 'commander';
import { IMAGE_FORMATS } from '../../node/decode_image.ts';
import { buildEmbedder, elementCount, TilewiseError } from '../../src/index.ts';
import { writeNpy } from '../../src/numpy/index.ts';
import { parseCount, parseOutput } from '../../terminal/option_values.ts';
import { print, printJson } from '../../terminal/output.ts';
import { openModel } from '../open_model.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  type CommonOptions,
  MODEL_OPTION,
  type WeightsOptions,
} from '../options.ts';
import { writeOutput } from '../output_file.ts';
import { evenBatch, imagesLeft, imagesOf, overFiles, reportSummary } from '../over_files.ts';
import { addPreprocessingOption, domainFrom, type PreprocessingOptions } from '../own_model.ts';
import { ResultFile } from '../result_file.ts';
import { createBatchEmbedder, withDevice } from '../runner.ts';
import { loadWeights } from '../weights.ts';

interface EmbedOptions extends CommonOptions, WeightsOptions, PreprocessingOptions {
  readonly model: string;
  readonly output?: string;
  readonly normalize: boolean;
  readonly batch: number;
  readonly out: string;
  readonly resume?: boolean;
}

export function addEmbedCommand(program: Command): void {
  const command = program
    .command('embed')
    .description('make vectors of pictures, to find those that are similar')
    .argument('<image...>', `${IMAGE_FORMATS} files, folders of them, or patterns`)
    .option(...MODEL_OPTION, 'resnet50')
    .requiredOption(
      '--out <file>',
      'a .npy file of a row for each image, written at the end, or a .jsonl file, as they come',
      parseOutput(),
    )
    .option('--output <name>', "which of the model's values; by default what its last layer reads")
    .option('--no-normalize', 'leave vectors as they are; by default they are one long')
    .option('--batch <n>', 'images a run, at most', parseCount, 8)
    .option('--resume', 'keep the results that are in the .jsonl file, and go on');
  addPreprocessingOption(addWeightsOptions(command));
  addCommonOptions(command).addHelpText('after', HELP).action(embed);
}

const HELP = `
Images are found as by "tilewise classify". Those in a .npy file are printed in
the order of its rows. The dot product of two vectors is the cosine similarity
of their images: 1 for the same one.

  $ tilewise embed photos/ --out photos.npy > photos.txt
  $ tilewise embed photos/ --out photos.jsonl --model mine.onnx --output pool`;

async function embed(args: readonly string[], options: EmbedOptions): Promise<void> {
  const { out, output, normalize, resume = false } = options;
  const model = openModel(options.model);
  const toNumpy = extname(out).toLowerCase() === '.npy';
  if (toNumpy && resume) {
    throw new TilewiseError(
      '--resume goes on with a .jsonl file; a .npy file is written at the end',
    );
  }
  const wanted = output === undefined ? {} : { output };
  const domain = domainFrom(options.model, options);
  const { size } = domain.preprocessing ?? {};
  const graph = buildEmbedder(model, { ...wanted, ...(size && { size }) });
  const images = await imagesOf(args);
  const features = elementCount(graph.outputs.get('embedding')?.desc.shape ?? []);
  const making = { ...wanted, ...(!normalize && { normalized: false as const }) };
  using file = toNumpy
    ? undefined
    : new ResultFile(out, { model: model.name, features, making, resume });
  const paths = imagesLeft(args, images, file && { done: file.done, out });
  if (paths.length === 0) return;
  const weights = await loadWeights(model, graph, options);
  const batch = evenBatch(paths.length, options.batch);
  await withDevice(options, async ({ device }) => {
    using embedder = await createBatchEmbedder(device, model, {
      ...domain,
      ...wanted,
      precision: options.precision,
      normalize,
      weights,
      batch,
    });
    const rows: Float32Array[] = [];
    const summary = await overFiles<Float32Array>(paths, {
      what: 'embedding',
      batch,
      run: (pictures, hear) => embedder.embed(pictures, hear),
      onResult: (image, vector) => {
        const facts = { image, model: model.name };
        file?.write({ ...facts, ...making, vector: Array.from(vector, shortest) });
        const row = toNumpy ? { row: rows.length } : {};
        if (toNumpy) rows.push(vector);
        if (options.json) printJson({ ...facts, ...row, features, adapter: device.adapter.name });
        else if (toNumpy) print(image);
      },
    });
    if (toNumpy && rows.length > 0) {
      const data = new Float32Array(rows.length * features);
      for (const [i, row] of rows.entries()) data.set(row, i * features);
      await writeOutput('vectors', out, writeNpy({ shape: [rows.length, features], data }));
    }
    reportSummary(summary);
  });
}

/** The digits that tell an f32 from its neighbours. */
function shortest(value: number): number {
  return Number(value.toPrecision(9));
}
