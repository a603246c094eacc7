/** What each operator of ONNX becomes here. (https://onnx.ai/onnx/operators/) */
import type { Importer } from '../import_node.ts';
import * as argReduce from './arg_reduce.ts';
import * as attention from './attention.ts';
import * as col2im from './col2im.ts';
import * as concat from './concat.ts';
import * as constants from './constants.ts';
import * as conv from './conv.ts';
import * as cumSum from './cum_sum.ts';
import * as deformConv from './deform_conv.ts';
import * as einsum from './einsum.ts';
import * as fused from './fused.ts';
import * as gather from './gather.ts';
import * as linear from './linear.ts';
import * as normalization from './normalization.ts';
import * as packedWeights from './packed_weights.ts';
import * as pad from './pad.ts';
import * as pointwise from './pointwise.ts';
import * as pool from './pool.ts';
import * as quantization from './quantization.ts';
import * as quantized from './quantized.ts';
import * as rearrange from './rearrange.ts';
import * as recurrent from './recurrent.ts';
import * as reduce from './reduce.ts';
import * as resize from './resize.ts';
import * as sampling from './sampling.ts';
import * as scatter from './scatter.ts';
import * as topK from './top_k.ts';
import * as unpool from './unpool.ts';

/** By ONNX's name of the operator, after its domain where that is another than ONNX's own. */
export const importers: ReadonlyMap<string, Importer> = new Map(
  Object.entries({
    ...conv.importers,
    ...deformConv.importers,
    ...col2im.importers,
    ...pool.importers,
    ...unpool.importers,
    ...normalization.importers,
    ...pointwise.importers,
    ...rearrange.importers,
    ...pad.importers,
    ...concat.importers,
    ...linear.importers,
    ...einsum.importers,
    ...reduce.importers,
    ...argReduce.importers,
    ...cumSum.importers,
    ...resize.importers,
    ...sampling.importers,
    ...topK.importers,
    ...constants.importers,
    ...quantization.importers,
    ...quantized.importers,
    ...packedWeights.importers,
    ...fused.importers,
    ...attention.importers,
    ...gather.importers,
    ...scatter.importers,
    ...recurrent.importers,
  }),
);

/** Those that make each element of one of each input, by ONNX's names. */
export const elementwise: ReadonlySet<string> = new Set(Object.keys(pointwise.importers));
