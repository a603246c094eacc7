/// <reference path="./globals.d.ts" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/** The library with ONNX and TFLite as one file, `tilewise/bundle`, for pages without a bundler. */
export * from './index.ts';
export * from './onnx/index.ts';
export * from './tflite/index.ts';
