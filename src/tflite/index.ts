/// <reference path="../globals.d.ts" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * TFLite's files: `import { tfliteToOnnx } from 'tilewise/tflite'`. An entry of its own, so that a page that reads none
 * downloads nothing of it.
 *
 * @module tilewise/tflite
 */
export { TfliteError } from './errors.ts';
export { tfliteToOnnx } from './to_onnx.ts';
