/** BatchNormalization. */
import { batchNormOp } from '../../layers/batch_norm.ts';
import { UnsupportedError } from '../../runtime/errors.ts';
import { exporter, read } from '../exporter.ts';
import { value } from '../import_node.ts';
import type { OperatorRows } from './rows.ts';

const ROLES = ['x', 'weight', 'bias', 'running_mean', 'running_var'] as const;

export const batchNorm: OperatorRows = {
  importers: {
    BatchNormalization(call) {
      const { attributes } = call;
      if (attributes.int('training_mode', 0) !== 0)
        throw new UnsupportedError('training_mode is 1');
      if (attributes.int('spatial', 1) !== 1) throw new UnsupportedError('spatial is 0');
      const inputs = Object.fromEntries(ROLES.map((role, i) => [role, value(call, i)]));
      return call.g.add(batchNormOp, { epsilon: attributes.float('epsilon', 1e-5) }, inputs);
    },
  },
  exporters: [
    exporter(batchNormOp, (node, writer) => {
      const epsilon = { float: node.attributes.epsilon };
      writer.layer(node, 'BatchNormalization', read(writer, node, ...ROLES), { epsilon });
    }),
  ],
};
