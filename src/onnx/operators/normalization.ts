/** BatchNormalization, LRN, Softmax. */
import { batchNormOp } from '../../layers/batch_norm.ts';
import { localResponseNorm, localResponseNormOp } from '../../layers/local_response_norm.ts';
import { reshapeTo } from '../../layers/rearrange.ts';
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

export const normalization: OperatorRows = {
  importers: {
    BatchNormalization(call) {
      demand(call.int('training_mode', 0) === 0, 'training_mode is 1');
      demand(call.int('spatial', 1) === 1, 'spatial is 0');
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
