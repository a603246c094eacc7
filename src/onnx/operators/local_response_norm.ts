/** LRN. */
import {
  localResponseNorm as layer,
  localResponseNormOp,
} from '../../layers/local_response_norm.ts';
import { exporter, read } from '../exporter.ts';
import { value } from '../import_node.ts';
import type { OperatorRows } from './rows.ts';

export const localResponseNorm: OperatorRows = {
  importers: {
    LRN: (call) =>
      layer(call.g, value(call, 0), {
        size: call.attributes.int('size', 0),
        alpha: call.attributes.float('alpha', 1e-4),
        beta: call.attributes.float('beta', 0.75),
        bias: call.attributes.float('bias', 1),
      }),
  },
  exporters: [
    exporter(localResponseNormOp, (node, writer) => {
      const { size, alpha, beta, bias } = node.attributes;
      writer.layer(node, 'LRN', read(writer, node, 'x'), {
        size: { int: size },
        alpha: { float: alpha },
        beta: { float: beta },
        bias: { float: bias },
      });
    }),
  ],
};
