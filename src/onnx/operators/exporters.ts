/** What each operator of this library becomes in ONNX. A page that only reads does not load it. */
import type { OpDef } from '../../runtime/graph.ts';
import type { Exporter, Exporters } from '../exporter.ts';
import * as argReduce from './arg_reduce.ts';
import * as col2im from './col2im.ts';
import * as concat from './concat.ts';
import * as conv from './conv.ts';
import * as cumSum from './cum_sum.ts';
import * as deformConv from './deform_conv.ts';
import * as gather from './gather.ts';
import * as linear from './linear.ts';
import * as normalization from './normalization.ts';
import * as pad from './pad.ts';
import * as pointwise from './pointwise.ts';
import * as pool from './pool.ts';
import * as rearrange from './rearrange.ts';
import * as reduce from './reduce.ts';
import * as resize from './resize.ts';
import * as sampling from './sampling.ts';
import * as scatter from './scatter.ts';
import * as topK from './top_k.ts';
import * as unpool from './unpool.ts';

const families: readonly Exporters[] = [
  conv.exporters,
  deformConv.exporters,
  col2im.exporters,
  pool.exporters,
  unpool.exporters,
  normalization.exporters,
  pointwise.exporters,
  rearrange.exporters,
  pad.exporters,
  concat.exporters,
  linear.exporters,
  reduce.exporters,
  argReduce.exporters,
  cumSum.exporters,
  resize.exporters,
  sampling.exporters,
  topK.exporters,
  gather.exporters,
  scatter.exporters,
];

/** By the operator. */
export const exporters: ReadonlyMap<OpDef, Exporter['write']> = new Map(
  families.flat().map(({ op, write }) => [op, write]),
);
