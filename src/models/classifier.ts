import { flatten } from '../layers/flatten.ts';
import { softmax } from '../layers/softmax.ts';
import { topElements } from '../layers/top_k.ts';
import type { Graph, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { checkKinds } from '../runtime/kinds.ts';
import { type BuildOptions, buildModel, type ModelDef } from './model.ts';

/** How many classes `best` gives: more than callers usually show. */
export const MOST_BEST = 10;

/**
 * The graph of a model that says what is in a picture, with two more values to output: `probabilities`, the softmax of
 * its logits, and `best`, the ten largest of these, [batch, 10, 2], each with its class: see `topElements`. Apart from
 * `buildModel`, so that pages that want logits do not carry these layers.
 *
 * @param model - Of `findModel`, or your own.
 * @param options - Batch, size, and which values to output.
 * @throws ShapeError for sizes that the model cannot take.
 *
 * @example
 * const graph = buildClassifier(findModel('lenet'), { outputs: ['probabilities'] });
 */
export function buildClassifier(model: ModelDef, options: BuildOptions = {}): Graph {
  checkKinds('buildClassifier', { model, options });
  const { outputs = ['probabilities', 'best'], ...rest } = options;
  const build: ModelDef['build'] = (g, x) => {
    const values = model.build(g, x);
    if (outputs.every((name) => values[name])) return values;
    const { probabilities = softmax(g.at('probabilities'), values.logits) } = values;
    const best = outputs.includes('best') && !values.best && bestOf(g.at('best'), probabilities);
    return { ...values, probabilities, ...(best && { best }) };
  };
  return buildModel({ ...model, build }, { ...rest, outputs });
}

/** Models from files may give [batch, classes, 1, 1]. */
function bestOf(g: GraphBuilder, probabilities: Value): Value {
  const isRows = probabilities.desc.shape.length === 2;
  const rows = isRows ? probabilities : flatten(g.at('rows'), probabilities);
  const [, classes = 1] = rows.desc.shape;
  return topElements(g, rows, Math.min(MOST_BEST, classes));
}
