import * as ort from 'onnxruntime-web/webgpu';
import { onnxruntime } from '../contenders/onnxruntime.ts';
import { serve } from './harness.ts';

ort.env.wasm.wasmPaths = '/onnxruntime/';
serve((workload) => onnxruntime(workload, ort, 'webgpu'));
