/** What every library is to the comparison, in Node as in a page. */

/** A library with a model that it loads once and runs often. */
export interface Contender {
  /** From bytes in memory to a model that is ready: opening the device, reading, compiling, uploading. */
  load(): Promise<void>;
  /** One run: from pixels [N, C, H, W] to logits, or the model's first output, both in host memory. */
  run(pixels: Float32Array): Promise<Float32Array>;
}

/** The model, as bytes in the formats that the libraries read. */
export interface Workload {
  /** A name that Tilewise knows, or that of an .onnx or .tflite file. */
  readonly model: string;
  /** Of the input: [N, C, H, W], but as a file has it. */
  readonly shape: readonly number[];
  /** Of Tilewise's weights and maps; the others take f32. */
  readonly precision: 'f32' | 'f16';
  readonly pixels: Float32Array;
  /** With torchvision's names; none for a file. */
  readonly safetensors: Uint8Array<ArrayBuffer> | undefined;
  readonly onnx: Uint8Array<ArrayBuffer>;
  /** Of a .tflite file, whose network `onnx` is, too. */
  readonly tflite?: Uint8Array<ArrayBuffer>;
}

export interface Timing {
  readonly ms: number;
  /** Processor time of the process, all of its threads together: steadier than `ms` on a busy machine. */
  readonly cpuMs?: number;
}

/** A contender in a process or page of its own. */
export interface Participant {
  load(): Promise<Timing>;
  run(): Promise<Timing & { readonly logits: readonly number[] }>;
  close(): Promise<void>;
}

/** What is compared: a library, where it runs, and how to start it afresh. */
export interface Entry {
  readonly library: string;
  readonly version: string;
  readonly host: 'Node' | 'Chromium';
  readonly backend: string;
  start(): Promise<Participant>;
}
