/** The library with ONNX as one file, `tilewise/bundle`, for pages without a bundler. */
export * from './index.ts';
export * from './onnx/index.ts';
