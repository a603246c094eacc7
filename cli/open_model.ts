/** What `--model` names: a built-in model, or a file. */
import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, extname, join, sep } from 'node:path';
import { findModel, type ModelDef, models, TilewiseError, UnsupportedError } from '../src/index.ts';
import { onnxModel, type ReadExternal } from '../src/onnx/index.ts';
import { tfliteToOnnx } from '../src/tflite/index.ts';
import type { ModelReading } from './model_file.ts';

/** Throws UnsupportedError for an unknown name, and what `loadOnnx` throws. */
export function openModel(name: string, reading: ModelReading = {}): ModelDef {
  if (!isModelFile(name)) return findBuiltIn(name, reading);
  const readExternal = externalOf(name);
  return onnxModel(readOnnx(name), { name: basename(name), readExternal, ...reading });
}

/** Throws UnsupportedError for an unknown name, and for options that are about files. */
export function findBuiltIn(name: string, { importers, constants }: ModelReading): ModelDef {
  const model = findModel(name);
  const [option] = [importers && '--operators', constants && '--constants'].filter(Boolean);
  if (!option) return model;
  throw new UnsupportedError(`${option} is for files of models; model "${name}" is built in`);
}

/** How files of models end. */
export const MODEL_FILES: readonly string[] = ['.onnx', '.tflite'];

/** Whether `--model` names a file. */
export function isModelFile(name: string): boolean {
  return MODEL_FILES.includes(kindOf(name));
}

function kindOf(path: string): string {
  return extname(path).toLowerCase();
}

/**
 * A model that says what is in a picture. Throws UnsupportedError for one that says it of each pixel, before
 * anything else is read.
 */
export function openClassifyingModel(name: string): ModelDef {
  const model = openModel(name);
  if (model.domain === 'voc' || model.domain === 'masks') {
    const remedy =
      model.domain === 'voc'
        ? 'tilewise segment'
        : 'tilewise detect, tilewise segment with --labels, or tilewise run';
    throw new UnsupportedError(
      `model "${model.name}" does not classify pictures: it says what is where; use ${remedy}`,
    );
  }
  return model;
}

/** A model of a file, which may be a detector. Throws UnsupportedError for those that are built in, which are none. */
export function openDetectingModel(name: string, reading: ModelReading): ModelDef {
  if (isModelFile(name)) return openModel(name, reading);
  throw new UnsupportedError(
    `model "${name}" is no .onnx or .tflite file: detectors are brought along, such as yolov8n.onnx, as Ultralytics exports it`,
  );
}

/**
 * A model that says what is in each pixel; of classes without names, where these are `named`. Throws UnsupportedError
 * for another, before anything else is read.
 */
export function openSegmentingModel(name: string, named: boolean): ModelDef {
  const model = openModel(name);
  const hasNames = named || model.classes === 1 || model.labels?.length === model.classes;
  if (model.domain === 'voc' || (model.domain === 'masks' && hasNames)) return model;
  if (model.domain === 'masks') {
    throw new UnsupportedError(
      `model "${model.name}" has no names for its ${model.classes} classes; give --labels FILE`,
    );
  }
  const known = [...models.values()].filter(({ domain }) => domain === 'voc');
  throw new UnsupportedError(
    `model "${model.name}" does not say what is in each pixel: use tilewise classify, or --model ${known.map((segmenting) => segmenting.name).join(' or ')}`,
  );
}

/**
 * Reads files that a model refers to. Links must not lead out of its folder either, but may lead where the model's own
 * link does: the hub's cache keeps all files of a repository in one folder, and links to them under their names.
 */
export function externalOf(model: string): ReadExternal {
  const folder = dirname(model);
  return (path) => {
    const folders = [realpath(folder), dirname(realpath(model))];
    const file = realpath(join(folder, path));
    if (!folders.some((inside) => file.startsWith(inside + sep))) {
      throw new TilewiseError(`"${path}" leads out of the model's folder ${folder}; copy it there`);
    }
    return readFile(file);
  };
}

function realpath(path: string): string {
  return reading(path, () => realpathSync(path));
}

/** A model's file as ONNX. Throws TilewiseError for one that cannot be read, and what `tfliteToOnnx` throws. */
export function readOnnx(path: string): Uint8Array {
  const bytes = readFile(path);
  return kindOf(path) === '.tflite' ? tfliteToOnnx(bytes, basename(path)) : bytes;
}

function readFile(path: string): Uint8Array {
  return reading(path, () => readFileSync(path));
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TilewiseError(`file "${path}" cannot be read: ${reason}`, { cause });
  }
}
