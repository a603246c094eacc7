/** How a model is read, from its file or of those that are built in: up to which values, with which operators. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { TilewiseError } from '../src/index.ts';
import type { OnnxModelOptions } from '../src/onnx/index.ts';
import { collect, parseNames } from '../terminal/option_values.ts';
import { readTensors } from './tensor_files.ts';

export interface ModelFileOptions {
  readonly operators?: string;
  readonly outputs?: readonly string[];
  readonly constants?: readonly string[];
}

/** What a file is read with. */
export type ModelReading = Pick<OnnxModelOptions, 'importers' | 'outputs' | 'constants'>;
type Importers = NonNullable<ModelReading['importers']>;
type Constants = NonNullable<ModelReading['constants']>;

/** Adds `--operators`, `--outputs` and `--constants`. */
export function addModelFileOptions(command: Command): Command {
  return command
    .option(
      '--operators <file>',
      'a JavaScript module that exports importers: operators of your own in the file of a model, as loadOnnx takes them',
    )
    .option(
      '--outputs <names>',
      "values that become the model's outputs, with commas between them; nothing after them is read of a file",
      parseNames,
    )
    .option(
      '--constants <name=value>',
      'an input of the file that is the same at every run: a number, some with commas between them, or a .npy file; once for each',
      collect,
    );
}

/** What such options say. Throws TilewiseError for files that cannot be read, and modules without functions. */
export async function readingOf({
  operators,
  outputs,
  constants,
}: ModelFileOptions): Promise<ModelReading> {
  return {
    ...(operators !== undefined && { importers: await readOperators(operators) }),
    ...(outputs && { outputs }),
    ...(constants && { constants: constantsOf(constants) }),
  };
}

/** What `--constants` gives, by input. Throws TilewiseError for what is neither numbers nor a file, or given twice. */
function constantsOf(given: readonly string[]): Constants {
  const constants = new Map<string, Constants[string]>();
  for (const text of given) {
    const [name, value] = readConstant(text);
    if (constants.has(name)) throw new TilewiseError(`--constants: "${name}" is given twice`);
    constants.set(name, value);
  }
  return Object.fromEntries(constants);
}

/** `sr=16000`, `size=640,480`, `mask=mask.npy` */
function readConstant(text: string): readonly [name: string, value: Constants[string]] {
  const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  const expected = `--constants ${text}: expected NAME=VALUE, such as sr=16000 or mask=mask.npy`;
  if (name === '') throw new TilewiseError(expected);
  const parts = value.split(',');
  const numbers = parts.map(Number);
  const isList = parts.every((part) => part.trim() !== '') && !numbers.some(Number.isNaN);
  if (isList) return [name, numbers];
  if (!existsSync(value)) {
    const what = `"${value}" is neither numbers with commas between them nor a file`;
    throw new TilewiseError(`${expected}, once for each input; ${what}`);
  }
  const tensors = readTensors(value);
  const [{ shape, data } = { data: new Float32Array() }] = tensors;
  if (tensors.length !== 1) {
    throw new TilewiseError(
      `--constants ${text}: the file holds ${tensors.length} arrays; give one`,
    );
  }
  return [name, shape ? { shape, data } : [...data]];
}

async function readOperators(file: string): Promise<Importers> {
  let module: { readonly importers?: unknown };
  try {
    module = await import(pathToFileURL(resolve(file)).href);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TilewiseError(`--operators: "${file}" cannot be imported: ${reason}`, { cause });
  }
  const { importers } = module;
  if (isImporters(importers)) return importers;
  throw new TilewiseError(
    `--operators: "${file}" must export importers, an object of functions by "domain.OpType"`,
  );
}

function isImporters(value: unknown): value is Importers {
  return (
    Object(value) === value &&
    Object.values(Object(value)).every((one) => typeof one === 'function')
  );
}
