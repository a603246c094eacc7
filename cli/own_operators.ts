/** What `--operators` names: a module with operators of the user's own, for ONNX files. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TilewiseError } from '../src/index.ts';
import type { OnnxImportOptions } from '../src/onnx/index.ts';

export const OPERATORS_OPTION = [
  '--operators <file>',
  'a JavaScript module that exports importers: operators of your own in an .onnx file, as loadOnnx takes them',
] as const;

type Importers = NonNullable<OnnxImportOptions['importers']>;

/** Runs the module. Throws TilewiseError where it fails, or exports no functions as `importers`. */
export async function readOperators(file: string | undefined): Promise<Importers> {
  if (file === undefined) return {};
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
