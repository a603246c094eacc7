import { type Command, Option } from 'commander';
import { IMAGE_FORMATS } from '../../node/decode_image.ts';
import { drawBoxes } from '../../node/draw_boxes.ts';
import {
  buildModel,
  type Detection,
  type DetectorFamilyName,
  detectorFamilies,
  type Image,
  UnsupportedError,
} from '../../src/index.ts';
import { parseCount, parseShare, parseSize } from '../../terminal/option_values.ts';
import { print, printJson } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { filesDrawn, parseDrawn } from '../drawn_files.ts';
import { addModelFileOptions, type ModelFileOptions, readingOf } from '../model_file.ts';
import { openDetectingModel } from '../open_model.ts';
import {
  addCommonOptions,
  addWeightsOptions,
  type CommonOptions,
  type WeightsOptions,
} from '../options.ts';
import { writeOutput } from '../output_file.ts';
import { imagesLeft, imagesOf, overFiles, reportSummary } from '../over_files.ts';
import { addOwnModelOptions, domainFrom, type OwnModelOptions } from '../own_model.ts';
import { createDetector, withDevice } from '../runner.ts';
import { loadWeights } from '../weights.ts';

interface DetectOptions extends CommonOptions, WeightsOptions, OwnModelOptions, ModelFileOptions {
  readonly model: string;
  readonly family?: DetectorFamilyName;
  readonly size?: readonly [number, number];
  readonly score: number;
  readonly overlap?: number;
  readonly most: number;
  readonly draw?: string;
  readonly classes?: number;
}

export function addDetectCommand(program: Command): void {
  const command = program
    .command('detect')
    .description('say what is in pictures, and where')
    .argument('<image...>', `${IMAGE_FORMATS} files, folders of them, or patterns`)
    .requiredOption(
      '--model <file>',
      'a detector: an .onnx or .tflite file of YOLO, RT-DETR, DETR or the like',
    )
    .addOption(
      new Option(
        '--family <name>',
        'how its outputs are to be read, where that is not clear by their shapes',
      ).choices(Object.keys(detectorFamilies)),
    )
    .option('--size <H,W>', "size of the network's input; the model's own by default", parseSize)
    .option('--score <share>', 'the least score, 0 to 1', parseShare, 0.25)
    .option(
      '--overlap <share>',
      'how far boxes of a class may overlap, 0 to 1; 0.45 by default, 1 for families that find each thing once',
      parseShare,
    )
    .option('--most <n>', 'things in a picture, at most', parseCount, 100)
    .option(
      '--draw <path>',
      'also write the picture with the boxes: a .png file, or a folder, which is made, for several pictures',
      parseDrawn,
    )
    .option(
      '--classes <n>',
      'how many there are, where other numbers follow their scores; by default as many as the file names, else all',
      parseCount,
    );
  addModelFileOptions(addOwnModelOptions(addWeightsOptions(command)));
  addCommonOptions(command).addHelpText('after', HELP).action(detect);
}

const HELP = `
Images are found as by "tilewise classify". Boxes are in pixels of the image.
Classes are named by --labels, else by the file, else, of 80 scores, as in
COCO. Of outputs that are more than boxes and scores, --outputs names these.
Families: yolov5 is YOLOv5, v6 and v7; yolov8 is YOLOv8, v9, v11 and v12; yolov10
others without suppression, too; rt-detr D-FINE, too.

  $ tilewise detect street.jpg --model yolov8n.onnx --draw boxes.png
  $ tilewise detect photos/ --model rtdetr.onnx --family rt-detr --outputs logits,pred_boxes`;

async function detect(args: readonly string[], options: DetectOptions): Promise<void> {
  const { family, size, score, overlap, most, draw, classes } = options;
  const model = openDetectingModel(options.model, await readingOf(options));
  const domain = domainFrom(options.model, options);
  const images = await imagesOf(args);
  const paths = imagesLeft(args, images);
  if (paths.length === 0) return;
  const drawn = draw === undefined ? undefined : filesDrawn(paths, draw);
  const sized = size && { size };
  const weights = await loadWeights(model, buildModel(model, { ...sized }), options);
  await withDevice(options, async ({ device }) => {
    using detector = await createDetector(device, model, {
      ...domain,
      ...sized,
      ...(family && { family }),
      ...(classes !== undefined && { classes }),
      precision: options.precision,
      weights,
    });
    const wanted = { score, most, ...(overlap !== undefined && { overlap }) };
    const found = async (path: string, image: Image): Promise<readonly Detection[]> => {
      const detections = await detector.detect(image, wanted);
      const file = drawn?.get(path);
      if (file) await writeOutput('image file', file, await drawBoxes(image, detections));
      return detections;
    };
    const summary = await overFiles<readonly Detection[]>(paths, {
      what: 'detecting',
      batch: 2,
      async *run(pictures, { onRefused }) {
        for await (const [path, image] of pictures) {
          try {
            yield [path, await found(path, image)];
          } catch (error) {
            if (!(error instanceof UnsupportedError)) throw error;
            onRefused?.(path, error);
          }
        }
      },
      onResult: (image, detections) => {
        const facts = { image, model: model.name, found: detections };
        const file = drawn?.get(image);
        if (!options.json) print(format(image, detections, file));
        else printJson({ ...facts, ...(file && { drawn: file }), adapter: device.adapter.name });
      },
    });
    reportSummary(summary);
  });
}

function format(path: string, found: readonly Detection[], file: string | undefined): string {
  const heading = file === undefined ? path : `${path}, drawn to ${file}`;
  if (found.length === 0) return `${heading}\n  nothing was found`;
  const rows = found.map(({ label, score, box }) => [
    `  ${label}`,
    score.toFixed(3),
    ...[box.left, box.top, box.width, box.height].map((side) => side.toFixed(1)),
  ]);
  return `${heading}\n${formatTable(['  class', 'score', 'left', 'top', 'width', 'height'], rows)}`;
}
