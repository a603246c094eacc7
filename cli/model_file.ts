/** How a model is read, from its file or of those that are built in: up to which values, with which operators. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { TilewiseError } from '../src/index.ts';
import type { OnnxModelOptions } from '../src/onnx/index.ts';
import { parseNames } from '../terminal/option_values.ts';

export interface ModelFileOptions {
  readonly operators?: string;
  readonly outputs?: readonly string[];
}

/** What a file is read with. */
export type ModelReading = Pick<OnnxModelOptions, 'importers' | 'outputs'>;
type Importers = NonNullable<ModelReading['importers']>;

/** Adds `--operators` and `--outputs`. */
export function addModelFileOptions(command: Command): Command {
  return command
    .option(
      '--operators <file>',
      'a JavaScript module that exports importers: operators of your own in an .onnx file, as loadOnnx takes them',
    )
    .option(
      '--outputs <names>',
      "values that become the model's outputs, with commas between them; nothing after them is read of an .onnx file",
      parseNames,
    );
}

/** What such options say of a file. Throws TilewiseError for a module that fails or exports no functions. */
export async function readingOf({ operators, outputs }: ModelFileOptions): Promise<ModelReading> {
  return {
    ...(operators !== undefined && { importers: await readOperators(operators) }),
    ...(outputs && { outputs }),
  };
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
