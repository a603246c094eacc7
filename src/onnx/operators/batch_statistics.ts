/** BatchNormalization as in training: by the statistics of the batch. (Ioffe, Szegedy, 2015.) */
import { apply } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { mul, sub } from '../../layers/arithmetic.ts';
import { perChannel } from '../../layers/per_channel.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { reshapeTo } from '../../layers/rearrange.ts';
import { reduce } from '../../layers/reduce.ts';
import type { Value } from '../../runtime/graph.ts';
import { demand } from '../errors.ts';
import type { ImportCall } from '../import_node.ts';

/** Before operator set 14, outputs beside the first said so; before 7, an attribute. */
export function isTraining(call: ImportCall): boolean {
  if (call.opset >= 14) return call.flag('training_mode');
  if (call.opset < 7) return !call.flag('is_test');
  return call.node.output.slice(1).some((name) => name !== '');
}

/** The result, and the running mean and variance with the batch's mixed in. */
export function normalizedByBatch(call: ImportCall): readonly Value[] {
  const { g } = call;
  const [x, weight, bias, ...running] = [0, 1, 2, 3, 4].map((i) => call.value(i));
  demand(x && weight && bias, 'has not 5 inputs');
  const rank = x.desc.shape.length;
  const axes = [...x.desc.shape.keys()].filter((axis) => axis !== 1);
  const mean = reduce(g.at('mean'), x, 'mean', { axes });
  const distance = sub(g.at('distance'), x, mean);
  const squares = mul(g.at('squares'), distance, distance);
  const variance = reduce(g.at('variance'), squares, 'mean', { axes });
  const epsilon = call.float('epsilon', 1e-5);
  const [scale, shift] = [perChannel(g, weight, rank), perChannel(g, bias, rank)];
  const y = pointwise(g, [distance, variance, scale, shift], (d = 0, v = 1, w = 1, b = 0) =>
    apply(f.add, apply(f.mul, apply(f.div, d, apply(f.sqrt, apply(f.add, v, epsilon))), w), b),
  );
  const momentum = call.float('momentum', 0.9);
  const mixed = running.map((given, i) => {
    const found = reshapeTo(g.at(`batch${i}`), i === 0 ? mean : variance, [-1]);
    return pointwise(g.at(`running${i}`), [given, found], (old = 0, now = 0) =>
      apply(f.add, apply(f.mul, old, momentum), apply(f.mul, now, 1 - momentum)),
    );
  });
  return [y, ...mixed];
}
