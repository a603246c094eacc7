import { globalAveragePool2d } from '../layers/adaptive_average_pool2d.ts';
import { flatten } from '../layers/flatten.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';

/** Adds the mean of each channel as a row: [N, C, H, W] to [N, C], for the classifier. */
export function channelMeans(g: GraphBuilder, x: Value): Value {
  return flatten(g.at('flatten'), globalAveragePool2d(g.at('avgpool'), x));
}
