/** An ONNX file in the place of a built-in model: for any batch and image size that it can take. */

import type { ModelDef } from '../models/model.ts';
import { checkOptions } from '../runtime/arguments.ts';
import type { Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { formatShape } from '../runtime/tensor.ts';
import { demand, ofFile } from './errors.ts';
import { readOnce } from './external_data.ts';
import type { OnnxFile } from './graph_reader.ts';
import { importOnnx, neededOf, openOnnx } from './import.ts';
import type { OnnxImportOptions } from './import_options.ts';
import { fedInputs } from './model_inputs.ts';

/** What `onnxModel` is told besides the file. */
export type OnnxModelOptions = Pick<OnnxImportOptions, 'name' | 'readExternal' | 'importers'>;

/** Where a file leaves the size of its images open. */
const USUAL_SIZE = 224;

/**
 * A model out of an ONNX file, with its weights, for `buildModel`, `Classifier` and the rest: one input of images [N,
 * C, H, W]; its first output are the `logits`. Images are prepared as for MNIST where they have one channel, else as
 * for ImageNet.
 *
 * @param bytes - The file.
 * @param given - Its name, files beside it, operators of your own.
 * @throws What `loadOnnx` throws.
 * @throws UnsupportedError for a model that is not one input of images [N, C, H, W].
 *
 * @example
 * const model = onnxModel(onnxFile);
 * using classifier = await Classifier.create(device, model, { weights: model.weights });
 */
export function onnxModel(
  bytes: Uint8Array,
  given: OnnxModelOptions = {},
): ModelDef & Required<Pick<ModelDef, 'weights'>> {
  checkOptions('onnxModel', given);
  const { name = 'model.onnx', readExternal } = given;
  // It is imported again for every batch and image size.
  const options = { ...given, ...(readExternal && { readExternal: readOnce(readExternal) }) };
  const file = openOnnx(bytes, name);
  const [channels, ...size] = ofFile(name, () => imageOf(file));
  const build = (g: GraphBuilder, x: Value) => {
    const { outputs, weights } = importOnnx(file, options, g, x);
    return { weights, outputs: ofFile(name, () => named(outputs, g)) };
  };
  const g = GraphBuilder.create();
  const { outputs, weights } = build(g, g.input('input', [1, channels, ...size]));
  for (const [output, value] of Object.entries(outputs)) g.output(output, value);
  const needed = neededOf(g.build('model'), weights, name);
  return {
    name,
    summary: `ONNX file ${name}`,
    domain: channels === 1 ? 'digits' : 'imagenet',
    channels,
    size,
    classes: outputs.logits.desc.shape[1] ?? 1,
    weights: needed.weights,
    build: (builder, x) => build(builder, x).outputs,
  };
}

/** Channels, height and width of the only input. */
function imageOf({ graph }: OnnxFile): readonly [number, number, number] {
  const inputs = fedInputs(graph);
  const [input] = inputs;
  const type = input?.type?.value;
  const dims = type?.case === 'tensorType' ? (type.value.shape?.dim ?? []) : [];
  const shape = dims.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : 0));
  const [, channels = 0, height = 0, width = 0] = shape;
  const got = `${inputs.length}${input ? `, the first ${formatShape(shape)}` : ''}`;
  demand(
    inputs.length === 1 && shape.length === 4 && channels >= 1,
    `expected one input of images [N, C, H, W], got ${got}`,
  );
  return [channels, height > 0 ? height : USUAL_SIZE, width > 0 ? width : USUAL_SIZE];
}

/** The outputs by name; the first is `logits`, or `probabilities` where a softmax makes it. */
function named(
  outputs: ReadonlyMap<string, Value>,
  g: GraphBuilder,
): Readonly<Record<string, Value>> & { readonly logits: Value } {
  const [logits] = outputs.values();
  demand(logits, 'has no output');
  const ends = g.nodeOf(logits)?.op.name === 'softmax';
  return { ...Object.fromEntries(outputs), logits, ...(ends && { probabilities: logits }) };
}
