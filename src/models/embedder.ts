import { globalAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { flatten } from '../layers/flatten.ts';
import { ownValue } from '../runtime/arguments.ts';
import { UnsupportedError } from '../runtime/errors.ts';
import { type Graph, isConstant, type Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { type BuildOptions, buildModel, type ModelDef } from './model.ts';

/** Batch and size of the graph, and what of the model it gives. */
export interface EmbedderBuildOptions extends Omit<BuildOptions, 'outputs'> {
  /** Which of the model's values; by default what its last layer reads. */
  readonly output?: string;
}

/**
 * The graph of a model that gives features of a picture, [batch, features], as its output `embedding`: the value called
 * `output` or, by default, what the layer reads that makes the logits, which for most classifiers is the output of the
 * global pool. Of a map, each channel's mean is a feature; anything else is laid out as a row.
 *
 * @param model - A built-in one, one of `onnxModel` or `graphModel`, or your own.
 * @param options - Batch and size, and the value to give; one image of the model's own size by default.
 * @throws UnsupportedError for an output that the model does not have, or where no last layer can be told.
 * @throws ShapeError for sizes that it cannot take.
 *
 * @example
 * const features = buildEmbedder(findModel('resnet50'), { batch: 4 }); // embedding: [4, 2048]
 */
export function buildEmbedder(model: ModelDef, options: EmbedderBuildOptions = {}): Graph {
  checkKinds('buildEmbedder', { model, options });
  const { output, ...rest } = options;
  const build: ModelDef['build'] = (g, x) => {
    const values = model.build(g, x);
    const features =
      output === undefined
        ? featuresOf(g, values.logits, model.name)
        : valueNamed(values, output, model.name);
    return { ...values, embedding: asRow(g.at('embedding'), features) };
  };
  return buildModel({ ...model, build }, { ...rest, outputs: ['embedding'] });
}

function valueNamed(values: Readonly<Record<string, Value>>, output: string, model: string): Value {
  const value = ownValue(values, output);
  if (value) return value;
  throw new UnsupportedError(
    `model "${model}" has no value "${output}"; it has ${Object.keys(values).join(', ')}`,
  );
}

/** What the last layer with weights reads, on the one way that leads to the logits. */
function featuresOf(g: GraphBuilder, logits: Value, model: string): Value {
  let value = logits;
  for (;;) {
    const node = g.nodeOf(value);
    const read = Object.values(node?.inputs ?? {}).filter((one) => !isConstant(one));
    const [only] = read;
    if (!node || !only || read.length > 1) {
      throw new UnsupportedError(
        `model "${model}" has no last layer that reads one value; name the value to take by "output"`,
      );
    }
    // Convolutions and linear layers have such an axis; a product with a constant is a linear layer, too.
    if (node.op.channelAxis !== undefined || node.op.name === 'matmul') return only;
    value = only;
  }
}

/** [N, C, H, W] or anything else to [N, features]. */
function asRow(g: GraphBuilder, value: Value): Value {
  const [, , ...plane] = value.desc.shape;
  const isMap = plane.length === 2 && plane.some((extent) => extent > 1);
  return flatten(g, isMap ? globalAveragePool2d(g.at('mean'), value) : value);
}
