import { type Stats, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { type Command, Option } from 'commander';
import {
  buildModel,
  type ConvertedFile,
  convertSafetensors,
  findModel,
  type ModelDef,
  type NarrowType,
  TilewiseError,
} from '../../src/index.ts';
import { convertOnnx } from '../../src/onnx/index.ts';
import { parseCount, parseOutput } from '../../terminal/option_values.ts';
import {
  formatBytes,
  formatCount,
  note,
  print,
  printJson,
  progressLine,
} from '../../terminal/output.ts';
import { formatLoss, type Loss, lossOf, pictureLogits, syntheticLogits } from '../loss.ts';
import { externalOf, isModelFile, readOnnx } from '../open_model.ts';
import { addCommonOptions, type CommonOptions } from '../options.ts';
import { writeOutput } from '../output_file.ts';
import { imagesOf } from '../over_files.ts';
import { addPreprocessingOption, domainFrom, type PreprocessingOptions } from '../own_model.ts';
import { type OpenedDevice, withDevice } from '../runner.ts';
import { readWeightFile } from '../weights.ts';

interface ConvertOptions extends CommonOptions, PreprocessingOptions {
  readonly weights?: NarrowType;
  readonly model?: string;
  readonly images?: string;
  readonly inputs?: number;
  readonly compare: boolean;
}

const INPUTS = 8;

export function addConvertCommand(program: Command): void {
  const command = program
    .command('convert')
    .description(
      'store the weights of a file in fewer bits, and measure what is lost; .tflite becomes .onnx',
    )
    .argument('<in>', 'a .safetensors, .onnx or .tflite file')
    .argument(
      '<out>',
      'the file to write, of the same kind; .onnx for a .tflite file',
      parseOutput(),
    )
    .addOption(
      new Option(
        '--weights <type>',
        'what weights are stored as: half of f32, or a quarter; may be left out for a .tflite file, whose weights then stay',
      ).choices(['f16', 'int8']),
    )
    .option(
      '--model <name>',
      'whose weights a .safetensors file has; needed for int8, and to compare',
    )
    .option('--images <dir>', 'compare on the images of a folder, for classifiers')
    .option('--inputs <n>', `compare on so many synthetic inputs; by default ${INPUTS}`, parseCount)
    .option('--no-compare', 'only convert');
  addPreprocessingOption(command);
  addCommonOptions(command).addHelpText('after', HELP).action(convert);
}

const HELP = `
f16: weights of more than one axis become F16. Biases, scales of norms, means
and variances stay as they are, and so does a tensor whose largest value f16
has not, or not in full.
int8: weights of convolutions and linear layers become integers with a scale
for each output channel; all else stays. Pages read such a .safetensors file by
fromInt8; an .onnx file has nodes that make floats, which all runtimes know. A .tflite file
becomes an .onnx file, with its own weights where --weights is left out.
Arithmetic is in f32 as before: the file is smaller, not the memory on the GPU.

Afterwards both files are run on the same inputs. Differences of logits are
shares of the largest logit.

  $ tilewise convert resnet50.safetensors small.safetensors --weights int8 --model resnet50
  $ tilewise convert net.onnx net-f16.onnx --weights f16 --images photos/
  $ tilewise convert net.tflite net.onnx`;

async function convert(from: string, to: string, options: ConvertOptions): Promise<void> {
  checkFiles(from, to);
  checkOptions(from, options);
  const model = options.model === undefined ? undefined : findModel(options.model);
  const images = options.images === undefined ? undefined : await imagesIn(options.images);
  const original = isModelFile(from) ? readOnnx(from) : readWeightFile(from);
  progressLine(`converting ${from}`);
  const { bytes, converted } = convertedFile(from, original, model, options);
  await writeOutput('converted file', to, bytes);
  const facts = {
    ...{ in: from, out: to, weights: options.weights },
    ...{ bytesBefore: sizeOf(from), bytes: bytes.length, converted: converted.length },
  };
  if (!options.json) {
    const sizes = `${formatBytes(bytes.length)}, of ${formatBytes(sizeOf(from))}`;
    const what =
      options.weights && `; ${formatCount(converted.length)} tensors in ${options.weights}`;
    print(`${to}: ${what ? sizes + what : formatBytes(bytes.length)}`);
  }
  const comparable = isModelFile(from) || model !== undefined;
  // One that only has another form computes the same.
  if (options.compare && comparable && options.weights) {
    await withDevice(options, async (opened) => {
      const loss = await measure(opened, [from, to], model, images, options);
      report(loss, facts, images === undefined ? 'synthetic inputs' : 'images', opened, options);
    });
    return;
  }
  if (options.compare && !comparable) note('note: give --model to have both files compared');
  if (options.json) printJson(facts);
}

function convertedFile(
  from: string,
  original: Uint8Array,
  model: ModelDef | undefined,
  { weights: to }: ConvertOptions,
): ConvertedFile {
  const name = basename(from);
  if (!to) return { bytes: Uint8Array.from(original), converted: [] };
  if (isModelFile(from)) return convertOnnx(original, { to, name, readExternal: externalOf(from) });
  return convertSafetensors(original, { to, name, ...(model && { graph: buildModel(model) }) });
}

/** Before anything is read. */
function checkFiles(from: string, to: string): void {
  const [kind = '', other] = [from, to].map((path) => extname(path).toLowerCase());
  if (kind !== '.safetensors' && !isModelFile(from)) {
    throw new TilewiseError(`"${from}": expected a .safetensors, .onnx or .tflite file to convert`);
  }
  const wanted = isTflite(from) ? '.onnx' : kind;
  if (other !== wanted) {
    const why = isTflite(from) ? 'which a .tflite file becomes' : `as "${from}" is one`;
    throw new TilewiseError(
      `"${to}": expected ${wanted === '.onnx' ? 'an' : 'a'} ${wanted} file to write, ${why}`,
    );
  }
  const [source, target] = [from, to].map(statsOf);
  if (source && target && source.ino === target.ino && source.dev === target.dev) {
    throw new TilewiseError(`"${to}" is the file to convert; give another to write`);
  }
}

function isTflite(path: string): boolean {
  return extname(path).toLowerCase() === '.tflite';
}

/** Of a file that was read. */
function sizeOf(path: string): number {
  return statsOf(path)?.size ?? 0;
}

/** Of what cannot be looked at, whoever reads or writes it says why. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function checkOptions(from: string, options: ConvertOptions): void {
  const { model, images, inputs, compare, weights, preprocessing } = options;
  const refuse = (wrong: boolean, what: string): void => {
    if (wrong) throw new TilewiseError(what);
  };
  const compares = images !== undefined || inputs !== undefined;
  refuse(compares && weights === undefined, '--images and --inputs compare: give --weights, too');
  refuse(!compare && compares, '--no-compare needs neither --images nor --inputs');
  refuse(images !== undefined && inputs !== undefined, 'give --images or --inputs, not both');
  refuse(
    preprocessing !== undefined && images === undefined,
    '--preprocessing is for pictures: give --images, too',
  );
  refuse(weights === undefined && !isTflite(from), 'give --weights f16 or --weights int8');
  if (isModelFile(from)) {
    const kind = isTflite(from) ? 'a .tflite' : 'an .onnx';
    refuse(model !== undefined, `${kind} file has its network inside; leave --model out`);
    return;
  }
  const needs = weights === 'int8' ? '--weights int8' : compares && '--images or --inputs';
  refuse(
    model === undefined && needs !== false,
    `${needs} needs --model NAME for a .safetensors file; see "tilewise models" for the names`,
  );
}

async function imagesIn(folder: string): Promise<readonly string[]> {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return imagesOf([folder]);
  throw new TilewiseError(`--images "${folder}": there is no such folder`);
}

async function measure(
  opened: OpenedDevice,
  [from, to]: readonly [string, string],
  model: ModelDef | undefined,
  images: readonly string[] | undefined,
  options: ConvertOptions,
): Promise<Loss> {
  const { precision, inputs = INPUTS } = options;
  // The configuration beside the file that there was is the new one's, too.
  const domain = images ? domainFrom(from, options) : {};
  const logitsOf = (path: string, list: boolean) =>
    images
      ? pictureLogits(opened, { path, model }, images, { ...domain, precision, list })
      : syntheticLogits(opened, { path, model }, inputs, options);
  const before = await logitsOf(from, true);
  if (before.size === 0) throw new TilewiseError(`"${to}" is written, and compared on nothing`);
  return lossOf(before, await logitsOf(to, false));
}

function report(
  loss: Loss,
  facts: object,
  what: string,
  { device }: OpenedDevice,
  { json }: ConvertOptions,
): void {
  const { name: adapter } = device.adapter;
  if (json) printJson({ ...facts, adapter, ...loss });
  else print(`on ${formatCount(loss.inputs)} ${what}, ${adapter}:\n${formatLoss(loss)}`);
}
