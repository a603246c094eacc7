/** Options that commands share. */
import { type Command, Option } from 'commander';
import { buildModel, type DType, type Graph, type ModelDef, type Shape } from '../src/index.ts';
import { parseCount, parseSize } from '../terminal/option_values.ts';
import { addModelFileOptions, type ModelFileOptions, readingOf } from './model_file.ts';
import { openModel } from './open_model.ts';

export interface CommonOptions {
  readonly adapter?: string;
  readonly precision: DType;
  readonly experimentalMatrices?: boolean;
  readonly json?: boolean;
}

export const JSON_OPTION = [
  '--json',
  'print one JSON object a line on stdout, and nothing else',
] as const;

/** Adds `--adapter`, `--precision`, `--experimental-matrices` and `--json`. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--adapter <text>', 'use the first adapter whose name contains this text')
    .addOption(
      new Option(
        '--precision <type>',
        'how weights and activations are stored on the GPU; f16 takes half the memory, and needs shader-f16',
      )
        .choices(['f32', 'f16'])
        .default('f32'),
    )
    .option(
      '--experimental-matrices',
      'with --precision f16, multiply by the matrix units (tensor cores) of GPUs that have them; off by default, as the feature of WebGPU is experimental',
    )
    .option(...JSON_OPTION);
}

export const MODEL_OPTION = [
  '--model <name>',
  'which model; see "tilewise models" for the names, or an .onnx or .tflite file',
] as const;

/** Where weights come from. */
export interface WeightsOptions {
  readonly weights?: string;
  readonly endpoint?: string;
}

export const ENDPOINT_OPTION = [
  '--endpoint <url>',
  'the Hugging Face hub, or a mirror of it; by default HF_ENDPOINT, then https://huggingface.co',
] as const;

/**
 * Adds `--weights` and `--endpoint`. Commands whose results do not depend on the weights take synthetic ones
 * by default, the others look for a file.
 */
export function addWeightsOptions(command: Command, byDefault?: 'synthetic'): Command {
  const end = byDefault === undefined ? '; by default MODEL.safetensors is looked for' : '';
  return command
    .option(
      '--weights <file>',
      `a .safetensors file with torchvision's names, hf:owner/name[@revision][/file], or "synthetic"${end}`,
      byDefault,
    )
    .option(...ENDPOINT_OPTION);
}

/** Options of the commands that build a model for a batch of images of some size. */
export interface ModelOptions extends CommonOptions, ModelFileOptions {
  readonly model: string;
  readonly batch: number;
  readonly size?: readonly [number, number];
}

/** Adds `--model`, which is required where there is no default, `--operators`, `--outputs`, `--batch` and `--size`. */
export function addModelOptions(command: Command, defaultModel?: string): Command {
  const withModel = defaultModel
    ? command.option(...MODEL_OPTION, defaultModel)
    : command.requiredOption(...MODEL_OPTION);
  return addModelFileOptions(withModel)
    .option('--batch <n>', 'images a run', parseCount, 1)
    .option('--size <H,W>', "size of the images; the model's own by default", parseSize);
}

/** The model that such options ask for. */
export async function buildFromOptions(options: ModelOptions): Promise<{
  readonly model: ModelDef;
  readonly graph: Graph;
  readonly inputShape: Shape;
}> {
  const { model: name, batch, outputs } = options;
  const model = openModel(name, await readingOf(options));
  const { size = model.size } = options;
  const graph = buildModel(model, { batch, size, ...(outputs && { outputs }) });
  return { model, graph, inputShape: [batch, model.channels, ...size] };
}
