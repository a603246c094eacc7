/** ReduceMean, ReduceMax. */
import { globalAveragePool2d } from '../../layers/adaptive_average_pool2d.ts';
import { reduce as layer, type ReduceAttributes, reduceOp } from '../../layers/reduce.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import type { Value } from '../../runtime/graph.ts';
import { exporter, read } from '../exporter.ts';
import { axisOf, type ImportCall, type Importer, integers, value } from '../import_node.ts';
import type { OperatorRows } from './rows.ts';

type Kind = ReduceAttributes['kind'];

const NAMES: Readonly<Record<Kind, string>> = { mean: 'ReduceMean', max: 'ReduceMax' };

function reducing(kind: Kind): Importer {
  return (call) => {
    const x = value(call, 0);
    const { shape } = x.desc;
    const given = integers(call, 1, 'axes');
    const nothing = given === undefined || given.length === 0;
    if (nothing && call.attributes.int('noop_with_empty_axes', 0) === 1) return x;
    const axes = nothing
      ? shape.map((_, axis) => axis)
      : given.map((axis) => axisOf(axis, shape.length));
    return reduced(call, x, kind, axes, call.attributes.int('keepdims', 1) === 1);
  };
}

/** A reduction over axes, which must be neighbours. */
export function reduced(
  call: ImportCall,
  x: Value,
  kind: Kind,
  axes: readonly number[],
  keepAxes: boolean,
): Value {
  const sorted = axes.toSorted((a, b) => a - b);
  const [from = 0] = sorted;
  const to = from + sorted.length;
  if (sorted.some((axis, i) => axis !== from + i)) {
    throw new UnsupportedError(`axes [${axes}] are not neighbours`);
  }
  if (kind === 'mean' && from === 2 && to === 4 && x.desc.shape.length === 4 && keepAxes) {
    return globalAveragePool2d(call.g, x);
  }
  return layer(call.g, x, { kind, from, to, keepAxes });
}

export const reduce: OperatorRows = {
  importers: { [NAMES.mean]: reducing('mean'), [NAMES.max]: reducing('max') },
  exporters: [
    exporter(reduceOp, (node, writer) => {
      const { kind, from, to, keepAxes } = node.attributes;
      // Axes as an input, which is how it stays from here on.
      writer.requireOpset(18);
      const list = Array.from({ length: to - from }, (_, i) => from + i);
      const axes = writer.integers(node, 'axes', list);
      const keepdims = { int: keepAxes ? 1 : 0 };
      writer.layer(node, NAMES[kind], [...read(writer, node, 'x'), axes], { keepdims });
    }),
  ],
};
