/** What every library is to the comparison, in Node as in a page. */

/** A library with a model that it can load once and run often. */
export interface Contender {
  /** From bytes in memory to a model that is ready: opening the device, compiling, uploading. */
  load(): Promise<void>;
  /** One run: from an array of pixels [N, C, H, W] to an array of logits, both in host memory. */
  run(pixels: Float32Array): Promise<Float32Array>;
}

/** The model to be compared on, as bytes in each library's own format. */
export interface Workload {
  readonly model: string;
  /** [N, C, H, W] */
  readonly shape: readonly number[];
  /** With torchvision's names. */
  readonly safetensors: Uint8Array;
  /** Batch norms folded, as PyTorch exports a model for inference. */
  readonly onnx: Uint8Array;
}

export interface Timing {
  readonly ms: number;
  /** Processor time of the process, all threads together: steadier than `ms` on a busy machine. */
  readonly cpuMs?: number;
}
