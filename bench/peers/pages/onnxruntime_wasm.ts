import * as ort from 'onnxruntime-web/wasm';
import { onnxruntime } from '../contenders/onnxruntime.ts';
import { serve } from './harness.ts';

ort.env.wasm.wasmPaths = '/onnxruntime/';
// By default it leaves half of the cores alone.
ort.env.wasm.numThreads = navigator.hardwareConcurrency;
serve((workload) => onnxruntime(workload, ort, 'wasm'));
