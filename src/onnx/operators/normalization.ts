/** BatchNormalization, LRN, Softmax. */
import { apply } from '../../../shaders/lib/expression.ts';
import * as f from '../../../shaders/lib/expression_functions.ts';
import { mul, sub } from '../../layers/arithmetic.ts';
import { batchNormOp } from '../../layers/batch_norm.ts';
import { localResponseNorm, localResponseNormOp } from '../../layers/local_response_norm.ts';
import { pointwise } from '../../layers/pointwise.ts';
import { reshapeTo, transpose } from '../../layers/rearrange.ts';
import { reduce } from '../../layers/reduce.ts';
import { softmax, softmaxOp } from '../../layers/softmax.ts';
import type { Value } from '../../runtime/graph.ts';
import { elementCount } from '../../runtime/tensor.ts';
import { demand } from '../errors.ts';
import { exporter, type OperatorRows, read } from '../exporter.ts';
import type { ImportCall } from '../import_node.ts';

const BATCH_NORM_ROLES = ['x', 'weight', 'bias', 'running_mean', 'running_var'] as const;

function importSoftmax(call: ImportCall): Value {
  const x = call.value(0);
  const { shape } = x.desc;
  const axis = call.axis(call.opset < 13 ? 1 : -1, shape.length);
  const inner = shape.slice(axis);
  if (call.opset >= 13 || elementCount(inner.slice(1)) === 1) return softmax(call.g, x, axis);
  // Before operator set 13, all axes from `axis` on count as one.
  const matrix = reshapeTo(call.g.at('rows'), x, [-1, elementCount(inner)]);
  const rows = softmax(call.g.at('softmax'), matrix);
  return reshapeTo(call.g, rows, axis > 0 ? [-1, ...shape.slice(1)] : shape);
}

/** Before operator set 14, outputs beside the first said so; before 7, an attribute. */
function isTraining(call: ImportCall): boolean {
  if (call.opset >= 14) return call.flag('training_mode');
  if (call.opset < 7) return !call.flag('is_test');
  return call.node.output.slice(1).some((name) => name !== '');
}

/** By the mean and the variance of the batch, and these mixed into those that are given. (Ioffe, Szegedy, 2015.) */
function importBatchStatistics(call: ImportCall): readonly Value[] {
  const { g } = call;
  const [x, weight, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => call.value(i));
  demand(x && weight && bias && mean && variance, 'has not 5 inputs');
  const [batch = 1, channels = 1, ...plane] = x.desc.shape;
  const turned = [1, 0, ...plane.map((_, axis) => axis + 2)];
  const byChannel = transpose(g.at('channels'), x, turned);
  const rows = reshapeTo(g.at('rows'), byChannel, [channels, -1]);
  const along = { kind: 'mean', from: 1, to: 2, keepAxes: true } as const;
  const center = reduce(g.at('mean'), rows, along);
  const distance = sub(g.at('distance'), rows, center);
  const spread = reduce(g.at('variance'), mul(g.at('square'), distance, distance), along);
  const column = (name: string, value: Value) => reshapeTo(g.at(name), value, [channels, 1]);
  const epsilon = call.float('epsilon', 1e-5);
  const scaled = pointwise(
    g.at('scaled'),
    [distance, spread, column('weight', weight), column('bias', bias)],
    (d = 0, v = 1, w = 1, b = 0) =>
      apply(f.add, apply(f.mul, apply(f.div, d, apply(f.sqrt, apply(f.add, v, epsilon))), w), b),
  );
  const y = transpose(g, reshapeTo(g.at('maps'), scaled, [channels, batch, ...plane]), turned);
  const momentum = call.float('momentum', 0.9);
  const running = [mean, variance].map((given, i) => {
    const found = reshapeTo(g.at(`batch${i}`), i === 0 ? center : spread, [channels]);
    return pointwise(g.at(`running${i}`), [given, found], (old = 0, now = 0) =>
      apply(f.add, apply(f.mul, old, momentum), apply(f.mul, now, 1 - momentum)),
    );
  });
  return [y, ...running];
}

export const normalization: OperatorRows = {
  importers: {
    BatchNormalization(call) {
      demand(call.int('spatial', 1) === 1, 'spatial is 0');
      if (isTraining(call)) return importBatchStatistics(call);
      const inputs = Object.fromEntries(BATCH_NORM_ROLES.map((role, i) => [role, call.value(i)]));
      return call.g.add(batchNormOp, { epsilon: call.float('epsilon', 1e-5) }, inputs);
    },
    LRN: (call) =>
      localResponseNorm(call.g, call.value(0), {
        size: call.int('size', 0),
        alpha: call.float('alpha', 1e-4),
        beta: call.float('beta', 0.75),
        bias: call.float('bias', 1),
      }),
    Softmax: importSoftmax,
  },
  exporters: [
    exporter(batchNormOp, (node, writer) => {
      const inputs = read(writer, node, ...BATCH_NORM_ROLES);
      const epsilon = { float: node.attributes.epsilon };
      writer.layer(node, 'BatchNormalization', inputs, { epsilon });
    }),
    exporter(localResponseNormOp, (node, writer) => {
      const { size, alpha, beta, bias } = node.attributes;
      writer.layer(node, 'LRN', read(writer, node, 'x'), {
        size: { int: size },
        alpha: { float: alpha },
        beta: { float: beta },
        bias: { float: bias },
      });
    }),
    exporter(softmaxOp, (node, writer) => {
      const axis = { int: node.attributes.axis };
      writer.layer(node, 'Softmax', read(writer, node, 'x'), { axis });
    }),
  ],
};
