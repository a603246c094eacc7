/** Which models are compared with other libraries. */
import { InvalidArgumentError } from 'commander';
import { findModel } from '../../src/index.ts';

/** The name of MODELS where a list of models is asked for. */
export const ALL_TABLES = 'all-tables';

/** One of each family that is small enough for a page, and ResNet-50. */
const MODELS = [
  'resnet18',
  'resnet50',
  'squeezenet1_1',
  'mobilenet_v2',
  'mobilenet_v3_large',
  'efficientnet_b0',
  'regnet_y_400mf',
  'inception_v3',
  'densenet121',
] as const;

/** Whether a model is a file, in place of a name. */
export function isFile(model: string): boolean {
  return model.endsWith('.onnx') || isTflite(model);
}

export function isTflite(model: string): boolean {
  return model.endsWith('.tflite');
}

/**
 * `resnet18,net.onnx`, `all-tables`, or both, for commander: an option that may be repeated, each model once. Throws
 * InvalidArgumentError for names that are none.
 */
export function parseModels(text: string, before: readonly string[] = []): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const models = names.flatMap((name) => (name === ALL_TABLES ? MODELS : [checked(name)]));
  return [...new Set([...before, ...models])];
}

function checked(name: string): string {
  if (isFile(name)) return name;
  try {
    return findModel(name).name;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
