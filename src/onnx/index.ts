/**
 * ONNX in and out: `import { exportOnnx } from 'tilewise/onnx'`. An entry of its own, so that a page that
 * uses no ONNX downloads nothing of it.
 */
export { exportOnnx, type OnnxExportOptions } from './export.ts';
