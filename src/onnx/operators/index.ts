/** What each operator of ONNX becomes here, and each of this library there. (https://onnx.ai/onnx/operators/) */
import type { OpDef } from '../../runtime/graph.ts';
import type { Exporter, OperatorRows } from '../exporter.ts';
import type { Importer } from '../import_node.ts';
import { argReduce } from './arg_reduce.ts';
import { col2im } from './col2im.ts';
import { concat } from './concat.ts';
import { constants } from './constants.ts';
import { conv } from './conv.ts';
import { cumSum } from './cum_sum.ts';
import { deformConv } from './deform_conv.ts';
import { einsum } from './einsum.ts';
import { gather } from './gather.ts';
import { linear } from './linear.ts';
import { normalization } from './normalization.ts';
import { pad } from './pad.ts';
import { pointwise } from './pointwise.ts';
import { pool } from './pool.ts';
import { quantization } from './quantization.ts';
import { rearrange } from './rearrange.ts';
import { reduce } from './reduce.ts';
import { resize } from './resize.ts';
import { sampling } from './sampling.ts';
import { scatter } from './scatter.ts';
import { topK } from './top_k.ts';
import { unpool } from './unpool.ts';

const families: readonly OperatorRows[] = [
  ...[conv, deformConv, col2im, pool, unpool, normalization, pointwise, rearrange, pad],
  ...[concat, linear, einsum, reduce, argReduce, cumSum, resize, sampling, topK, constants],
  ...[quantization, gather, scatter],
];

/** By ONNX's name of the operator. */
export const importers: ReadonlyMap<string, Importer> = new Map(
  families.flatMap((family) => Object.entries(family.importers)),
);

/** By the operator. */
export const exporters: ReadonlyMap<OpDef, Exporter['write']> = new Map(
  families.flatMap((family) => family.exporters ?? []).map(({ op, write }) => [op, write]),
);

/** Those that make each element of one of each input, by ONNX's names. */
export const elementwise: ReadonlySet<string> = new Set(Object.keys(pointwise.importers));
