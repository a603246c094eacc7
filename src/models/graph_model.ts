import { checkArgument } from '../runtime/arguments.ts';
import type { Graph, Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { formatShape } from '../runtime/tensor.ts';
import type { ModelDef } from './model.ts';
import { imageInputOf, inOrder, traitsOf, valuesOf } from './own_model.ts';

/**
 * A graph in the place of a built-in model, for `Classifier`, `Segmenter`, `Embedder` and the rest, at any batch and
 * size of images that it can take. It has one input, of images [N, C, H, W] or [N, H, W, C]; its output `logits`, or
 * else its first one, says of what class a picture is, or each of its pixels. Pictures are prepared as for MNIST where
 * they have one channel, else as for ImageNet, but for what `preprocessing` says.
 *
 * @param graph - Of `loadOnnx`, `buildModel` or a `GraphBuilder`.
 * @throws TilewiseError for a graph that takes something else than images, or gives nothing.
 *
 * @example
 * const loaded = loadOnnx(onnxFile);
 * const labels = [...'0123456789'];
 * const model = graphModel(loaded.graph);
 * using classifier = await Classifier.create(device, model, { weights: loaded.weights, labels });
 */
export function graphModel(graph: Graph): ModelDef {
  checkKinds('graphModel', { graph });
  const { name, inputs } = graph;
  const [input] = inputs;
  const images = inputs.length === 1 && input ? imageInputOf(input.desc.shape) : undefined;
  const shapes = inputs.map(({ desc }) => formatShape(desc.shape)).join(', ');
  const expected = 'a Graph with one input of images [N, C, H, W] or [N, H, W, C]';
  checkArgument(images, 'graphModel: graph', expected, shapes);
  const build: ModelDef['build'] = (g, x) => {
    const values = valuesOf(g, copied(graph, g, inOrder(g, x, images)), images);
    checkArgument(values, 'graphModel: graph', 'a Graph with an output', graph);
    return values;
  };
  const g = GraphBuilder.create();
  const traits = traitsOf(images, build(g, g.input('input', [1, images.channels, ...images.size])));
  const { channels, size } = images;
  return { name, summary: `graph ${name}`, channels, size, build, ...traits };
}

/** Adds the nodes of a graph to a builder, for the one input; its outputs. */
function copied(graph: Graph, g: GraphBuilder, x: Value): ReadonlyMap<string, Value> {
  const copies = new Map<Value, Value>(graph.inputs.map((input) => [input, x]));
  const copyOf = (value: Value): Value => copies.get(value) ?? value;
  for (const { name, op, attributes, inputs, output } of graph.nodes) {
    const read = Object.entries(inputs).map(([role, value]) => [role, copyOf(value)]);
    copies.set(output, g.at(name).add(op, attributes, Object.fromEntries(read)));
  }
  return new Map([...graph.outputs].map(([name, value]) => [name, copyOf(value)]));
}
