/** What files say of a model of one's own: the names of its classes, and how its pictures are prepared. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import {
  type DomainOptions,
  type Preprocessing,
  preprocessingFrom,
  TilewiseError,
} from '../src/index.ts';
import { note } from '../terminal/output.ts';
import { isModelFile } from './open_model.ts';

export interface PreprocessingOptions {
  readonly preprocessing?: string;
}

export interface OwnModelOptions extends PreprocessingOptions {
  readonly labels?: string;
}

/** Larger ones are no lists of names, and no descriptions. */
const MOST_BYTES = 2 ** 24;

const CONFIG = 'preprocessor_config.json';

/** What `--preprocessing` takes in place of a file. */
const NONE = 'default';

/** Adds `--preprocessing`. */
export function addPreprocessingOption(command: Command): Command {
  return command.option(
    '--preprocessing <file>',
    `how pictures are prepared: a ${CONFIG}, or timm's config.json; by default, the ${CONFIG} beside the file of a model; "default" takes none`,
  );
}

/** Adds `--labels` and `--preprocessing`. */
export function addOwnModelOptions(command: Command): Command {
  return addPreprocessingOption(
    command.option(
      '--labels <file>',
      'names of the classes: a line each, a JSON array, or JSON with id2label, such as a config.json',
    ),
  );
}

/**
 * What the options say, read from their files. Throws TilewiseError, with the file's name, for others, and for more or
 * fewer names than the model has classes.
 */
export function domainFrom(
  model: string,
  options: OwnModelOptions,
  classes?: number,
): Pick<DomainOptions, 'labels' | 'preprocessing'> {
  const { labels } = options;
  const preprocessing = preprocessingFor(model, options);
  return {
    ...(labels !== undefined && { labels: labelsFor(labels, model, classes) }),
    ...(preprocessing && { preprocessing }),
  };
}

function labelsFor(path: string, model: string, classes: number | undefined): readonly string[] {
  const labels = readLabels(path);
  if (classes === undefined || labels.length === classes) return labels;
  throw new TilewiseError(
    `labels file "${path}" names ${labels.length} classes, "${model}" has ${classes}; give a name for each`,
  );
}

function preprocessingFor(
  model: string,
  { preprocessing: path }: PreprocessingOptions,
): Preprocessing | undefined {
  if (path === NONE) return undefined;
  if (path !== undefined) return readPreprocessing(path);
  const found = isModelFile(model) ? configBeside(model) : undefined;
  if (found === undefined) return undefined;
  note(`note: pictures are prepared as "${found}" says`);
  try {
    return readPreprocessing(found);
  } catch (cause) {
    throw new TilewiseError(`${reasonOf(cause)}; or do without it: --preprocessing ${NONE}`, {
      cause,
    });
  }
}

/** Repositories on the hub keep ONNX files in a folder of their own, below the configuration. */
function configBeside(model: string): string | undefined {
  const folder = dirname(model);
  const folders = basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder];
  return folders.map((one) => join(one, CONFIG)).find((path) => existsSync(path));
}

function readPreprocessing(path: string): Preprocessing {
  const who = 'preprocessing file';
  return preprocessingFrom(parsed(who, path, readText(who, path)), path);
}

/** The names of classes in index order. Throws TilewiseError for a file that says none, or not all. */
export function readLabels(path: string): readonly string[] {
  const who = 'labels file';
  const text = readText(who, path);
  return /^\s*[[{]/.test(text)
    ? labelsOf(path, parsed(who, path, text))
    : linesOf(path, text.trimEnd());
}

function linesOf(path: string, text: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const empty = lines.indexOf('');
  if (empty < 0) return lines;
  throw new TilewiseError(
    `labels file "${path}" has no name in line ${empty + 1}; expected one on each line`,
  );
}

function labelsOf(path: string, json: unknown): readonly string[] {
  const { id2label } = Object(json);
  const labels: readonly unknown[] = Array.isArray(json) ? json : inOrder(Object(id2label));
  const strings = labels.flatMap((label) => (typeof label === 'string' ? [label] : []));
  if (labels.length > 0 && strings.length === labels.length) return strings;
  throw new TilewiseError(
    `labels file "${path}" has no JSON array of names, and no id2label with a name for each index from 0 on`,
  );
}

/** The values of the keys 0, 1, ..., or nothing where there are others. */
function inOrder(byIndex: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Object.keys(byIndex).map((_, index) =>
    Object.hasOwn(byIndex, index) ? byIndex[index] : undefined,
  );
}

function parsed(who: string, path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TilewiseError(`${who} "${path}" is no JSON: ${reasonOf(cause)}`, { cause });
  }
}

/** UTF-8, with or without a mark at its beginning. */
function readText(who: string, path: string): string {
  try {
    const { size } = statSync(path);
    if (size <= MOST_BYTES) return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (cause) {
    throw new TilewiseError(`${who} "${path}" cannot be read: ${reasonOf(cause)}`, { cause });
  }
  throw new TilewiseError(`${who} "${path}" is larger than ${MOST_BYTES} bytes`);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
