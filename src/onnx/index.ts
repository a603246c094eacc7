/// <reference path="../globals.d.ts" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * ONNX in and out: `import { loadOnnx, exportOnnx } from 'tilewise/onnx'`. An entry of its own, so that a page
 * that uses no ONNX downloads nothing of it.
 *
 * @module tilewise/onnx
 */

export { constant } from './constant.ts';
export type { ElementType } from './element_type.ts';
export { OnnxError } from './errors.ts';
export { exportOnnx, type OnnxExportOptions } from './export.ts';
export type { ReadExternal } from './external_data.ts';
export type { GivenConstant, GivenConstants } from './given_constants.ts';
export { loadOnnx, type OnnxModel } from './import.ts';
export type { ImportCall, Imported, Importer, Operand, Place } from './import_node.ts';
export type { OnnxImportOptions } from './import_options.ts';
export { type OnnxInput, onnxInputs } from './inputs.ts';
export { type OnnxModelOptions, onnxModel } from './model.ts';
export type { Extents } from './model_inputs.ts';
export type { MessageName, NodeProto, Scalar, TensorProto } from './schema/fields.ts';
export type { Constant, Numbers } from './tensor.ts';

// Last, so that what pages load stays side by side, which compresses better.

export { type ConvertOnnxOptions, convertOnnx } from './convert.ts';
