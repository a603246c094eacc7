/** What operators compute, in f64: apart from them, so that pages that check nothing carry none of it. */
import type { References } from '../runtime/reference/run_reference.ts';
import { adaptiveAveragePool2dReference } from './adaptive_average_pool2d.ts';
import { argReduceReference } from './arg_reduce.ts';
import { batchNormReference } from './batch_norm.ts';
import { col2imReference } from './col2im.ts';
import { concatReference } from './concat.ts';
import { convTranspose2dReference } from './conv_transpose2d.ts';
import { conv2dReference } from './conv2d.ts';
import { cumSumReference } from './cum_sum.ts';
import { deformConv2dReference } from './deform_conv2d.ts';
import { gatherReference } from './gather.ts';
import { gridSampleReference } from './grid_sample.ts';
import { linearReference } from './linear.ts';
import { localResponseNormReference } from './local_response_norm.ts';
import { matmulReference } from './matmul.ts';
import { maxPool2dIndicesReference } from './max_pool2d_indices.ts';
import { maxUnpoolReference } from './max_unpool.ts';
import { normalizeReference } from './normalize.ts';
import { pad2dReference } from './pad2d.ts';
import { pointwiseReference } from './pointwise.ts';
import { averagePool2dReference, maxPool2dReference } from './pool2d.ts';
import { rearrangeReference } from './rearrange.ts';
import { reduceReference } from './reduce.ts';
import { resizeAxisReference } from './resize_axis.ts';
import { resize2dReference } from './resize2d.ts';
import { roiAlignReference } from './roi_align.ts';
import { scatterReference } from './scatter.ts';
import { softmaxReference } from './softmax.ts';
import { topKReference } from './top_k.ts';

export const references: References = {
  conv2d: conv2dReference,
  conv2d_dynamic: conv2dReference,
  conv_transpose2d: convTranspose2dReference,
  deform_conv2d: deformConv2dReference,
  linear: linearReference,
  matmul: matmulReference,
  max_pool2d: maxPool2dReference,
  max_pool2d_indices: maxPool2dIndicesReference,
  max_unpool: maxUnpoolReference,
  average_pool2d: averagePool2dReference,
  adaptive_average_pool2d: adaptiveAveragePool2dReference,
  reduce: reduceReference,
  arg_reduce: argReduceReference,
  cum_sum: cumSumReference,
  col2im: col2imReference,
  batch_norm: batchNormReference,
  normalize: normalizeReference,
  local_response_norm: localResponseNormReference,
  softmax: softmaxReference,
  resize2d: resize2dReference,
  resize_axis: resizeAxisReference,
  grid_sample: gridSampleReference,
  roi_align: roiAlignReference,
  pad2d: pad2dReference,
  top_k: topKReference,
  gather: gatherReference,
  scatter: scatterReference,
  pointwise: pointwiseReference,
  rearrange: rearrangeReference,
  concat: concatReference,
};
