/** ReduceSum, ReduceMean and their kin. */
import { globalAveragePool2d } from '../../layers/adaptive_average_pool2d.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { reduce as layer, type Reduction, reduceOp } from '../../layers/reduce.ts';
import type { Value } from '../../runtime/graph.ts';
import { elementCount } from '../../runtime/tensor.ts';
import { isInteger } from '../element_type.ts';
import { type Exporters, exporter, read } from '../exporter.ts';
import { axisOf, type ImportCall, type Importer, type Importers } from '../import_node.ts';
import { truncated, wholeQuotient } from './pointwise.ts';

const NAMES: Readonly<Record<Reduction, string>> = {
  sum: 'ReduceSum',
  mean: 'ReduceMean',
  max: 'ReduceMax',
  min: 'ReduceMin',
  prod: 'ReduceProd',
  sum_square: 'ReduceSumSquare',
  l1: 'ReduceL1',
  l2: 'ReduceL2',
  log_sum: 'ReduceLogSum',
  log_sum_exp: 'ReduceLogSumExp',
};

/** Those that give a single element as it is. */
const OF_ONE = new Set<Reduction>(['sum', 'mean', 'max', 'min', 'prod', 'log_sum_exp']);

/** Those that give integers a fraction, which they do not keep, besides the mean. */
const FRACTIONAL = new Set<Reduction>(['l2', 'log_sum', 'log_sum_exp']);

function reducing(reduction: Reduction): Importer {
  return (call) => {
    const all = [...call.shape(0).keys()];
    const given = call.integers(1, 'axes') ?? [];
    const none = given.length === 0 && call.flag('noop_with_empty_axes');
    if (none && OF_ONE.has(reduction)) return call.value(0);
    const some = given.length === 0 ? all : given.map((axis) => axisOf(axis, all.length));
    const axes = none ? [] : some;
    const keepAxes = call.flag('keepdims', true);
    return isInteger(call.type(0))
      ? ofIntegers(call, reduction, axes, keepAxes)
      : reduced(call, reduction, axes, keepAxes);
  };
}

/** The same of integers: without a fraction. */
function ofIntegers(
  call: ImportCall,
  reduction: Reduction,
  axes: readonly number[],
  keepAxes: boolean,
): Value {
  const mean = reduction === 'mean';
  const y = reduced(call, mean ? 'sum' : reduction, axes, keepAxes);
  const count = elementCount(axes.map((axis) => call.shape(0)[axis] ?? 1));
  const g = call.g.at('whole');
  if (mean) return pointwise(g, [y], (sum = 0) => wholeQuotient(sum, count));
  return FRACTIONAL.has(reduction) ? pointwise(g, [y], (value = 0) => truncated(value)) : y;
}

/** A reduction over axes; the mean of whole feature maps is a pooling. */
export function reduced(
  call: ImportCall,
  reduction: Reduction,
  axes: readonly number[],
  keepAxes: boolean,
): Value {
  const x = call.value(0);
  const ofMaps = axes.length === 2 && axes.every((axis) => axis === 2 || axis === 3);
  if (reduction === 'mean' && ofMaps && x.desc.shape.length === 4 && keepAxes) {
    return globalAveragePool2d(call.g, x);
  }
  return layer(call.g, x, reduction, { axes, keepAxes });
}

export const importers: Importers = Object.fromEntries(
  Object.entries(NAMES).map(([reduction, name]) => [name, reducing(reduction as Reduction)]),
);

export const exporters: Exporters = [
  exporter(reduceOp, (node, writer) => {
    const { kind, from, to, keepAxes } = node.attributes;
    const [x = ''] = read(writer, node, 'x');
    // No axes mean all of them there.
    if (from === to) {
      if (kind === 'sum_square') writer.layer(node, 'Mul', [x, x]);
      else writer.layer(node, kind === 'l1' ? 'Abs' : 'Identity', [x]);
      return;
    }
    // Axes as an input, which is how it stays from here on.
    writer.requireOpset(18);
    const list = Array.from({ length: to - from }, (_, i) => from + i);
    const axes = writer.integers(node, 'axes', list);
    writer.layer(node, NAMES[kind], [x, axes], { keepdims: { int: keepAxes } });
  }),
];
