/**
 * ONNX in and out: `import { loadOnnx, exportOnnx } from 'tilewise/onnx'`. An entry of its own, so that a page
 * that uses no ONNX downloads nothing of it.
 */
export { OnnxError } from './errors.ts';
export { exportOnnx, type OnnxExportOptions } from './export.ts';
export type { ReadExternal } from './external_data.ts';
export { loadOnnx, type OnnxImportOptions, type OnnxModel } from './import.ts';
export { type OnnxModelOptions, onnxModel } from './model.ts';
