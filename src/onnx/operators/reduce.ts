/** ReduceMean, ReduceMax. */
import { globalAveragePool2d } from '../../layers/adaptive_average_pool2d.ts';
import { reduce as layer, type ReduceAttributes, reduceOp } from '../../layers/reduce.ts';
import type { Value } from '../../runtime/graph.ts';
import { demand } from '../errors.ts';
import { exporter, type OperatorRows, read } from '../exporter.ts';
import { axisOf, type ImportCall, type Importer } from '../import_node.ts';

type Kind = ReduceAttributes['kind'];

const NAMES: Readonly<Record<Kind, string>> = { mean: 'ReduceMean', max: 'ReduceMax' };

function reducing(kind: Kind): Importer {
  return (call) => {
    const all = [...call.shape(0).keys()];
    const given = call.integers(1, 'axes') ?? [];
    if (given.length === 0 && call.flag('noop_with_empty_axes')) return call.value(0);
    const axes = given.length === 0 ? all : given.map((axis) => axisOf(axis, all.length));
    return reduced(call, kind, axes, call.flag('keepdims', true));
  };
}

/** A reduction over axes, which must be neighbours. */
export function reduced(
  call: ImportCall,
  kind: Kind,
  axes: readonly number[],
  keepAxes: boolean,
): Value {
  const x = call.value(0);
  const sorted = axes.toSorted((a, b) => a - b);
  const [from = 0] = sorted;
  const to = from + sorted.length;
  const neighbours = sorted.every((axis, i) => axis === from + i);
  demand(neighbours, `axes [${axes}] are not neighbours`);
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
      const inputs = [...read(writer, node, 'x'), axes];
      writer.layer(node, NAMES[kind], inputs, { keepdims: { int: keepAxes } });
    }),
  ],
};
