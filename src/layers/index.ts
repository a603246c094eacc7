/** All operators, for those who ask about each: tests, and exporters. Nothing that runs a model needs the list. */
import type { OpDef } from '../runtime/graph.ts';
import { adaptiveAveragePool2dOp } from './adaptive_average_pool2d.ts';
import { argReduceOp } from './arg_reduce.ts';
import { batchNormOp } from './batch_norm.ts';
import { col2imOp } from './col2im.ts';
import { concatOp } from './concat.ts';
import { convTranspose2dOp } from './conv_transpose2d.ts';
import { conv2dOp } from './conv2d.ts';
import { conv2dDynamicOp } from './conv2d_dynamic.ts';
import { cumSumOp } from './cum_sum.ts';
import { deformConv2dOp } from './deform_conv2d.ts';
import { gatherOp } from './gather.ts';
import { gridSampleOp } from './grid_sample.ts';
import { linearOp } from './linear.ts';
import { localResponseNormOp } from './local_response_norm.ts';
import { matmulOp } from './matmul.ts';
import { maxPool2dIndicesOp } from './max_pool2d_indices.ts';
import { maxUnpoolOp } from './max_unpool.ts';
import { normalizeOp } from './normalize.ts';
import { pad2dOp } from './pad2d.ts';
import { pointwiseOp } from './pointwise.ts';
import { averagePool2dOp, maxPool2dOp } from './pool2d.ts';
import { rearrangeOp } from './rearrange.ts';
import { reduceOp } from './reduce.ts';
import { resizeAxisOp } from './resize_axis.ts';
import { resize2dOp } from './resize2d.ts';
import { roiAlignOp } from './roi_align.ts';
import { scatterOp } from './scatter.ts';
import { softmaxOp } from './softmax.ts';
import { topKOp } from './top_k.ts';

export const operators: readonly OpDef[] = [
  conv2dOp,
  conv2dDynamicOp,
  convTranspose2dOp,
  deformConv2dOp,
  linearOp,
  matmulOp,
  maxPool2dOp,
  maxPool2dIndicesOp,
  maxUnpoolOp,
  averagePool2dOp,
  adaptiveAveragePool2dOp,
  reduceOp,
  argReduceOp,
  cumSumOp,
  col2imOp,
  batchNormOp,
  normalizeOp,
  localResponseNormOp,
  softmaxOp,
  resize2dOp,
  resizeAxisOp,
  gridSampleOp,
  roiAlignOp,
  pad2dOp,
  topKOp,
  gatherOp,
  scatterOp,
  pointwiseOp,
  rearrangeOp,
  concatOp,
];
