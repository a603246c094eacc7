/** Mean or maximum along neighbouring axes. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import {
  type ReduceKind,
  type ReduceProblem,
  reduce as shader,
} from '../../shaders/reduce.wgsl.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import {
  at,
  candidatesOf,
  elementTypesOf,
  inputShape,
  requireData,
  shapeError,
} from '../runtime/operator.ts';
import { elementCount, formatShape, tensorDesc } from '../runtime/tensor.ts';
import { oneDispatch } from './one_dispatch.ts';

export interface ReduceAttributes {
  readonly kind: ReduceKind;
  /** The axes from `from` to `to`, `to` not included. */
  readonly from: number;
  readonly to: number;
  /** Whether the axes stay, with an extent of 1. */
  readonly keepAxes: boolean;
}

/** Adds the mean or the maximum over the axes [from, to) of `x`. Throws ShapeError for axes that it lacks. */
export function reduce(g: GraphBuilder, x: Value, attributes: ReduceAttributes): Activation {
  return g.add(reduceOp, attributes, { x });
}

function problemOf(
  node: Node<ReduceAttributes, 'x'>,
  epilogue: Epilogue | undefined,
): ReduceProblem {
  const shape = inputShape(node, 'x');
  const { kind, from, to } = node.attributes;
  return {
    kind,
    outer: elementCount(shape.slice(0, from)),
    length: elementCount(shape.slice(from, to)),
    inner: elementCount(shape.slice(to)),
    shape: node.output.desc.shape,
    types: elementTypesOf(node, 'x'),
    epilogue,
  };
}

export function reduceReference(
  node: Node<ReduceAttributes, 'x'>,
  inputs: DataByRole,
): Float64Array {
  const { kind, outer, length, inner } = problemOf(node, undefined);
  const x = requireData(node, inputs, 'x');
  return new Float64Array(outer * inner).map((_, i) => {
    const first = Math.floor(i / inner) * length * inner + (i % inner);
    let result = kind === 'mean' ? 0 : Number.NEGATIVE_INFINITY;
    for (let l = 0; l < length; l++) {
      const value = at(x, first + l * inner);
      result = kind === 'mean' ? result + value / length : Math.max(result, value);
    }
    return result;
  });
}

export const reduceOp: OpDef<ReduceAttributes, 'x'> = {
  name: 'reduce',
  inferShape(call) {
    const shape = inputShape(call, 'x');
    const { from, to, keepAxes } = call.attributes;
    const within = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to;
    if (!within || to > shape.length) {
      throw shapeError(call, `axes ${from} to ${to} are not axes of ${formatShape(shape)}`);
    }
    const kept = keepAxes ? shape.slice(from, to).map(() => 1) : [];
    return tensorDesc([...shape.slice(0, from), ...kept, ...shape.slice(to)]);
  },
  mixesBatch: (node) => node.attributes.from === 0,
  fusesEpilogue: true,
  candidates: candidatesOf(problemOf, [
    oneDispatch<ReduceProblem, 'x'>({
      name: 'reduce',
      source: shader,
      tiles: ({ outer, inner }) => outer * inner,
      reads: () => ['x'],
    }),
  ]),
};
