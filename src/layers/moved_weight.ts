/** Weights whose elements are moved: when they are uploaded, where they are known by then, else at every run. */
import { isConstant, type Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { type Movement, movedConstant } from '../runtime/movement/index.ts';
import { rearrange } from './rearrange.ts';

/** A weight after steps that add no elements. */
export function movedWeight(g: GraphBuilder, weight: Value, steps: readonly Movement[]): Value {
  return (isConstant(weight) && movedConstant(weight, steps)) || rearrange(g, weight, steps);
}
