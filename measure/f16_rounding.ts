/** How far logits in f16 may lie from those in f32, by the roundings on the way to them. */
import type { Graph, Value } from '../src/index.ts';

/** The host rounds weights to the nearest f16, half an ULP away at most. */
const OF_WEIGHTS = 2 ** -11;
/** WGSL leaves to the driver which neighbour a value becomes where it is stored: less than an ULP away. */
const OF_MAPS = 2 ** -10;

/** Standard deviations: of 500 million errors one is larger, and a model has a thousand logits. */
const DEVIATIONS = 6;

/**
 * The largest difference of logits to expect of f16, as a share of the largest logit:
 *
 *     6 sqrt(sum over the nodes of a path of (w + m) / 3), for the path where that is the most
 *
 * A value x that is rounded moves by e x, with |e| at most u. These errors are independent of one another, and spread
 * evenly: their variance is u^2 / 3. A sum of products of rounded weights and maps has an error whose variance is, by
 * the sum's mean square, that of one product: w of its weight, with w = OF_WEIGHTS^2, and that of its map. So an error
 * goes on through the layers without growing, by the mean square of their results, and what they round adds to its
 * variance: sqrt(n) roundings in place of n, as in N. J. Higham, T. Mary, "A new approach to probabilistic rounding
 * error analysis", SIAM J. Sci. Comput. 41, 2019. The largest logit is at least the root of their mean square.
 *
 * A node counts w where it reads weights in f16, and m = OF_MAPS^2 where it stores its result as f16: also where that
 * only moves or compares, and rounds nothing. Sums in f32 add less than a thousandth of it. Of a gate's product only
 * the larger error is counted: a sigmoid damps what the gate has.
 *
 * @param graph - As planned for f16: the graph of an ExecutionPlan.
 *
 * @example
 * const most = f16Tolerance(prepare(graph, { device: ANY_GPU, precision: 'f16' }).plan.graph);
 */
export function f16Tolerance(graph: Graph): number {
  const variances = new Map<Value, number>();
  for (const { inputs, output } of graph.nodes) {
    const read = Object.values(inputs);
    const before = Math.max(0, ...read.map((value) => variances.get(value) ?? 0));
    const weights = read.some(({ kind, desc }) => isConstant(kind) && desc.dtype === 'f16');
    const w = weights ? OF_WEIGHTS ** 2 : 0;
    const m = output.desc.dtype === 'f16' ? OF_MAPS ** 2 : 0;
    variances.set(output, before + (w + m) / 3);
  }
  const outputs = [...graph.outputs.values()].map((value) => variances.get(value) ?? 0);
  return DEVIATIONS * Math.sqrt(Math.max(...outputs));
}

function isConstant(kind: Value['kind']): boolean {
  return kind === 'weight' || kind === 'derived';
}
