import type { Command } from 'commander';
import { decodeImage, IMAGE_FORMATS } from '../../node/decode_image.ts';
import { encodePng } from '../../node/encode_image.ts';
import { buildModel, type Image, type PixelClass, type Segmentation } from '../../src/index.ts';
import { parseCount, parseOutput } from '../../terminal/option_values.ts';
import { formatMs, print, printJson, roundMs } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { openSegmentingModel } from '../open_model.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  type CommonOptions,
  MODEL_OPTION,
  type WeightsOptions,
} from '../options.ts';
import { writeOutput } from '../output_file.ts';
import { addOwnModelOptions, domainFrom, type OwnModelOptions } from '../own_model.ts';
import { createSegmenter, withDevice } from '../runner.ts';
import { loadWeights } from '../weights.ts';

interface SegmentOptions extends CommonOptions, WeightsOptions, OwnModelOptions {
  readonly model: string;
  readonly out: string;
  readonly overlay?: string;
  readonly size?: number;
}

export function addSegmentCommand(program: Command): void {
  const command = program
    .command('segment')
    .description('colour each pixel of a picture by what it belongs to')
    .argument('<image>', `a ${IMAGE_FORMATS} file`)
    .option(...MODEL_OPTION, 'fcn_resnet50')
    .requiredOption('--out <file>', 'the .png file to write: a colour for each class', parsePng)
    .option(
      '--overlay <file>',
      'also write the picture with the colours laid over it, as a .png file',
      parsePng,
    )
    .option(
      '--size <n>',
      'pixels of the shorter side of what the network sees; by default as --preprocessing says, else 520',
      parseCount,
    );
  addOwnModelOptions(addWeightsOptions(command));
  addCommonOptions(command).action(segment);
}

const parsePng = parseOutput('.png');

interface Share extends PixelClass {
  readonly class: number;
  /** Of all pixels. */
  readonly share: number;
}

async function segment(path: string, options: SegmentOptions): Promise<void> {
  const { size, labels } = options;
  const model = openSegmentingModel(options.model, labels !== undefined);
  const domain = domainFrom(options.model, options, model.classes);
  const image = await decodeImage(path);
  const weights = await loadWeights(model, buildModel(model), options);
  await withDevice(options, async ({ device }) => {
    using segmenter = await createSegmenter(device, model, {
      weights,
      precision: options.precision,
      ...domain,
      ...(size !== undefined && { shorterSide: size }),
      picture: image,
    });
    const begun = performance.now();
    const segmentation = await segmenter.segment(image);
    const ms = performance.now() - begun;
    await write(options.out, coloured(segmentation));
    if (options.overlay) await write(options.overlay, overlaid(image, segmentation));
    const found = sharesOf(segmentation);
    const adapter = device.adapter.name;
    if (options.json) {
      const { out, overlay } = options;
      printJson({ image: path, model: model.name, adapter, out, overlay, ms: roundMs(ms), found });
    } else {
      print(`${path} (${formatMs(ms)}), written to ${options.out}\n${legend(found)}`);
    }
  });
}

/** The classes that occur, the largest first. */
function sharesOf({ indices, classes }: Segmentation): readonly Share[] {
  const counts = classes.map(() => 0);
  for (const index of indices) counts[index] = (counts[index] ?? 0) + 1;
  return classes
    .map((of, index) => ({ class: index, ...of, share: (counts[index] ?? 0) / indices.length }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
}

function legend(found: readonly Share[]): string {
  const rows = found.map(({ label, colour, share }) => [
    `  ${label}`,
    `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`,
    `${(100 * share).toFixed(1)} %`,
  ]);
  return formatTable(['  class', 'colour', 'of the picture'], rows);
}

function coloured({ width, height, indices, classes }: Segmentation): Image {
  const data = new Uint8Array(4 * indices.length).fill(255);
  for (const [i, index] of indices.entries()) data.set(classes[index]?.colour ?? [], 4 * i);
  return { width, height, data };
}

/** Half picture, half colour; the background stays as it is. */
function overlaid(image: Image, { indices, classes }: Segmentation): Image {
  const data = Uint8Array.from(image.data);
  for (const [i, index] of indices.entries()) {
    if (index === 0) continue;
    for (const [c, value] of (classes[index]?.colour ?? []).entries()) {
      data[4 * i + c] = Math.round(((data[4 * i + c] ?? 0) + value) / 2);
    }
  }
  return { ...image, data };
}

async function write(path: string, image: Image): Promise<void> {
  await writeOutput('image file', path, await encodePng(image));
}
