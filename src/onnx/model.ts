/** An ONNX file in the place of a built-in model: for any batch and image size that it can take. */

import type { ModelDef } from '../models/model.ts';
import { type ImageInput, imageInputOf, inOrder, traitsOf, valuesOf } from '../models/own_model.ts';
import { checkOptions } from '../runtime/arguments.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import type { Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { formatShape, shapesEqual } from '../runtime/tensor.ts';
import { quoted } from '../runtime/weights/messages.ts';
import { MOST_NAMED } from './bounds.ts';
import { subjectOf } from './domain.ts';
import { demand, ofFile } from './errors.ts';
import { readOnce } from './external_data.ts';
import type { GivenConstants } from './given_constants.ts';
import type { OnnxFile } from './graph_reader.ts';
import { importOnnx, neededOf, openOnnx } from './import.ts';
import type { OnnxImportOptions } from './import_options.ts';
import { boxUnitOf, classNames, normalizationOf, pictureSize } from './metadata.ts';
import { extentsOf, fedInputs } from './model_inputs.ts';

/** What `onnxModel` is told besides the file. */
export type OnnxModelOptions = Pick<
  OnnxImportOptions,
  'name' | 'outputs' | 'readExternal' | 'importers' | 'constants'
>;

/**
 * A model out of an ONNX file, with its weights, for `buildModel`, `Classifier` and the rest: one input of images
 * [N, C, H, W] or [N, H, W, C]; its output `logits`, or else its first one, are the logits. Images are prepared as for
 * MNIST where they have one channel, else as for ImageNet, but for what `preprocessing` says. Where its metadata has
 * the `names` of classes, or the size `imgsz`, as Ultralytics writes them, they are its labels, and its size where that
 * is open.
 *
 * @param bytes - The file.
 * @param given - Its name, files beside it, inputs that are constant, operators of your own.
 * @throws What `loadOnnx` throws.
 * @throws UnsupportedError for a model that is not one input of images.
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
  const opened = openOnnx(bytes, name, given.outputs);
  const real = realOutputs(opened);
  const output = [...new Set(real.values())].map((value) => ({ name: value }));
  const file = { ...opened, graph: { ...opened.graph, output } };
  const images = ofFile(name, () => imagesOf(file, given.constants ?? {}));
  const { channels, size } = images;
  const build = (g: GraphBuilder, x: Value) => {
    const { outputs: made, weights } = ofSize(x, images, () =>
      importOnnx(file, options, g, inOrder(g, x, images)),
    );
    const outputs = new Map<string, Value>();
    for (const [output, from] of real) {
      const value = made.get(from);
      if (value) outputs.set(output, value);
    }
    const values = valuesOf(g, outputs, images);
    return { weights, outputs: ofFile(name, () => present(values)) };
  };
  const g = GraphBuilder.create();
  const { outputs, weights } = build(g, g.input('input', [1, channels, ...size]));
  for (const [output, value] of Object.entries(outputs)) g.output(output, value);
  const labels = classNames(file.metadata);
  const normalization = normalizationOf(file.metadata, channels);
  const boxUnit = boxUnitOf(file.metadata);
  const needed = neededOf(g.build('model'), weights, name);
  return {
    name,
    summary: `ONNX file ${name}`,
    channels,
    size,
    ...traitsOf(images, outputs),
    ...(images.fixedSize && { fixedSize: true }),
    ...(normalization && { normalization }),
    ...(boxUnit && { boxUnit }),
    ...(labels && { labels }),
    weights: needed.weights,
    build: (builder, x) => build(builder, x).outputs,
  };
}

/**
 * Which value each output is taken from: tasks want probabilities and boxes, not the integers that stand for them, nor
 * what was made of these.
 */
function realOutputs({ graph }: OnnxFile): ReadonlyMap<string, string> {
  const makers = new Map(graph.node.flatMap((node) => node.output.map((made) => [made, node])));
  const before = (name: string, opType: string): string | undefined => {
    const maker = makers.get(name);
    return maker && subjectOf(maker) === opType ? maker.input[0] : undefined;
  };
  const entries = graph.output.map(({ name }) => {
    const made = before(name, 'Identity') ?? name;
    const held = before(made, 'DequantizeLinear') ?? made;
    return [name, before(held, 'QuantizeLinear') ?? name] as const;
  });
  return new Map(entries);
}

/** What the only input takes that is no constant. */
function imagesOf(
  { graph, metadata }: OnnxFile,
  constants: GivenConstants,
): ImageInput & Pick<ModelDef, 'fixedSize'> {
  const inputs = fedInputs(graph).filter(({ name }) => !Object.hasOwn(constants, name));
  const [input] = inputs;
  const extents = (input && extentsOf(input)) ?? [];
  const sizes = extents.map((extent) => extent ?? 0);
  const images = inputs.length === 1 ? imageInputOf(sizes, pictureSize(metadata)) : undefined;
  const shown = inputs.slice(0, MOST_NAMED).map((one) => {
    const shape = extentsOf(one)?.map((extent) => extent ?? '?');
    return `${quoted(one.name)} [${shape?.join(', ') ?? '...'}]`;
  });
  const got = shown.join(', ') || 'none that is fed';
  demand(
    images,
    `expected one input of images [N, C, H, W] or [N, H, W, C], got ${got}; loadOnnx and "tilewise run" take any, and others may be constants`,
  );
  return { ...images, fixedSize: extents.slice(1).every((extent) => extent !== undefined) };
}

function present(values: ReturnType<typeof valuesOf>): ReturnType<ModelDef['build']> {
  demand(values, 'has no output');
  return values;
}

/** A file that is made for pictures of one size is no worse for it, but says of others that parts do not fit. */
function ofSize<T>({ desc }: Value, { size }: ImageInput, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const [, , ...asked] = desc.shape;
    if (!(cause instanceof UnsupportedError) || shapesEqual(asked, size)) throw cause;
    throw new UnsupportedError(
      `${cause.message}\nIt is read for pictures ${formatShape(asked)}; the file is for ${formatShape(size)}.`,
      { cause },
    );
  }
}
