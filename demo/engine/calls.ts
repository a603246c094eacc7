import type { KernelReport, LayerReport } from '../../measure/kernels/index.ts';
import type {
  Ceilings,
  Detection,
  DetectorFamilyName,
  LayerCheck,
  Profile,
  TuneResult,
} from '../../src/index.ts';

export type { Detection, DetectorFamilyName, KernelReport, LayerReport, TuneResult };

/** Everything that the page asks of the worker, and what the worker tells unasked. */

/** The adapter that computes. */
export interface AdapterReport {
  readonly name: string;
  readonly software: boolean;
  readonly features: readonly string[];
  /** A few limits by name, for people who compare devices. */
  readonly limits: Readonly<Record<string, number>>;
}

/** The device came, went, or came back. */
export type EngineEvent =
  | { readonly kind: 'opened'; readonly adapter: AdapterReport }
  | { readonly kind: 'lost' }
  /** It is lost, and does not open again. */
  | { readonly kind: 'failed' };

/** What one layer made of an image: maps of equal size, scaled together to -127 .. 127. */
export interface FeatureMaps {
  readonly layer: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** The magnitude that 127 stands for. */
  readonly largest: number;
  /** [channels, height, width]. */
  readonly values: Int8Array;
}

export interface DigitReading {
  /** For the digits 0 to 9. */
  readonly probabilities: Float32Array;
  /** From the prepared image to the probabilities. */
  readonly stages: readonly FeatureMaps[];
  /** From the picture to the answer, in milliseconds. */
  readonly ms: number;
}

/** Pixels as RGBA, 8 bit: an ImageData, or what is copied of one. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** Where weights come from; `name` is for messages. */
export type WeightsFrom =
  | { readonly kind: 'file'; readonly name: string; readonly file: Blob }
  | { readonly kind: 'url'; readonly name: string; readonly url: string };

/** How far something is, `done` of `total`: bytes of a download, kernels compiled, tensors uploaded, runs timed. */
export interface Progress {
  readonly stage: 'download' | 'tune' | 'compile' | 'upload' | 'time';
  readonly done: number;
  readonly total: number;
  /** Milliseconds that it may still take, where that can be told. */
  readonly remainingMs?: number;
}

/** Weights that are in use. */
export interface LoadedWeights {
  readonly name: string;
  readonly bytes: number;
}

/** A weights file of which a part, or all, is kept in this browser. */
export interface KeptWeights {
  readonly url: string;
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

export interface WeightsProgress extends Progress {
  /** Of a download. */
  readonly bytesPerSecond?: number;
}

/** A class that a photo may show. */
export interface PhotoClass {
  readonly class: number;
  readonly label: string;
  readonly probability: number;
  /** How much each place of the picture speaks for the class, [7, 7]. */
  readonly heat: Float32Array;
}

export interface PhotoReading {
  /** The likeliest, best first. */
  readonly top: readonly PhotoClass[];
  readonly logits: Float32Array;
  /** From the picture to the answer, in milliseconds. */
  readonly ms: number;
}

/** A class that pixels belong to. */
export interface PixelShare {
  readonly label: string;
  /** Red, green, blue, 0 to 255. */
  readonly colour: readonly [number, number, number];
  /** Of all pixels, 0 to 1. */
  readonly share: number;
}

/** A segmentation network to be: a file of it or of its weights, and how fine it looks. */
export interface SegmenterWanted {
  readonly name: string;
  readonly file: Blob;
  /** Pixels of the shorter side of what the network sees. */
  readonly shorterSide: number;
}

/** What each pixel of a picture belongs to. */
export interface SegmentReading {
  readonly width: number;
  readonly height: number;
  /** A colour for each pixel, RGBA; transparent where there is only background. */
  readonly mask: Uint8ClampedArray<ArrayBuffer>;
  /** The classes that occur, the largest first. */
  readonly found: readonly PixelShare[];
  /** From the picture to the answer, in milliseconds. */
  readonly ms: number;
  /** What the network is called, and [height, width] of its pictures if it takes no others. */
  readonly network: string;
  readonly fixedSize: readonly [number, number] | undefined;
}

/** A detector to be. */
export interface DetectorWanted {
  readonly name: string;
  /** An .onnx or .tflite file. */
  readonly file: Blob;
  /** How its outputs are to be read, where their shapes do not tell. */
  readonly family: DetectorFamilyName | undefined;
}

/** What is in a picture, and where. */
export interface DetectReading {
  /** The surest first, with scores from `leastScore` on. */
  readonly found: readonly Detection[];
  readonly leastScore: number;
  /** From the picture to the answer, in milliseconds. */
  readonly ms: number;
}

/** The models that can be looked into. */
export type ModelName = 'lenet' | 'resnet50';

/** One dispatch of a model, as planned for this device. */
export interface PlannedLayer {
  readonly layer: string;
  /** As `conv2d, residual relu`. */
  readonly computes: string;
  /** The layers of the model that are fused into it, itself among them. */
  readonly layers: readonly string[];
  readonly shape: readonly number[];
  readonly multiplyAdds: number;
  readonly kernel: string;
  /** For people. */
  readonly config: string;
  /** WGSL. */
  readonly source: string;
  readonly workgroups: readonly number[];
}

/** A tensor in memory, from the step that writes it to the last that reads it. */
export interface PlannedStorage {
  readonly name: string;
  readonly bytes: number;
  readonly firstStep: number;
  readonly lastStep: number;
  readonly buffer: number;
}

export interface PlanReport {
  readonly steps: number;
  readonly dispatches: readonly PlannedLayer[];
  readonly activations: {
    readonly storages: readonly PlannedStorage[];
    readonly buffers: readonly number[];
    readonly bytes: number;
    readonly lowerBound: number;
  };
  readonly weightBytes: number;
}

/** The times of a plan's dispatches, in its order. */
export type LayerTimes = Pick<Profile, 'clock' | 'ceilings' | 'passMs' | 'dispatches'>;

/** A layer on this device against the CPU. */
export type LayerLine = LayerCheck;

/** `layer` with none done is the beginning, also where it is begun anew. */
export type VerifyProgress =
  | { readonly kind: 'layer'; readonly done: number; readonly total: number }
  | { readonly kind: 'check'; readonly line: LayerLine };

/** What a benchmark tells on its way. `ceilings` come first, also where it is begun anew. */
export type BenchEvent =
  | { readonly kind: 'ceilings'; readonly ceilings: Ceilings }
  | { readonly kind: 'layer'; readonly layer: LayerReport }
  | {
      readonly kind: 'progress';
      readonly layer: string;
      /** 0 to 1. */
      readonly done: number;
      readonly remainingMs: number | undefined;
    };

/** A call with this argument, what it reports on its way, and its answer. */
interface Call<Argument, Answer, Progress = never> {
  readonly argument: Argument;
  readonly progress: Progress;
  readonly answer: Answer;
}

export interface Calls {
  /** Opens the device, if it is not open yet. */
  readonly open: Call<undefined, AdapterReport>;
  /** Destroys the device, to see that everything recovers. */
  readonly loseDevice: Call<undefined, undefined>;
  readonly readDigit: Call<Pixels, DigitReading>;
  /** Gives ResNet-50 its weights. */
  readonly loadWeights: Call<WeightsFrom, LoadedWeights, WeightsProgress>;
  /** What earlier downloads have left in this browser, the newest last. */
  readonly keptWeights: Call<undefined, readonly KeptWeights[]>;
  /** Deletes what is kept of a file, by its address. */
  readonly forgetWeights: Call<string, undefined>;
  /** Classifies a picture, which is handed over. Of frames, what the blocks put out is not kept. */
  readonly readPhoto: Call<
    { readonly picture: ImageBitmap | VideoFrame; readonly live: boolean },
    PhotoReading
  >;
  /** Gives the segmentation network its weights, and compiles it for pictures of this shorter side. */
  readonly loadSegmenter: Call<SegmenterWanted, undefined, WeightsProgress>;
  /** Says what each pixel of a picture belongs to; the picture is handed over. */
  readonly segment: Call<
    { readonly picture: ImageBitmap; readonly shorterSide: number },
    SegmentReading,
    WeightsProgress
  >;
  /** Compiles a detector for the pictures to come. */
  readonly loadDetector: Call<DetectorWanted, undefined, WeightsProgress>;
  /** Says what is in a picture, which is handed over. */
  readonly detect: Call<ImageBitmap, DetectReading>;
  /** What a block of ResNet-50 made of the last photo. */
  readonly channels: Call<string, FeatureMaps>;
  /** How a model runs on this device; nothing is run. */
  readonly plan: Call<ModelName, PlanReport>;
  readonly time: Call<ModelName, LayerTimes, Progress>;
  /** Checks every layer of a model, and tells as it goes. */
  readonly verify: Call<ModelName, undefined, VerifyProgress>;
  /** The shapes of a model's layers, each a line. */
  readonly layerShapes: Call<ModelName, readonly string[]>;
  /** Finds the fastest kernel for each shape of a model's layers that is not tuned, or for all again; keeps them. */
  readonly tune: Call<
    { readonly model: ModelName; readonly again: boolean },
    readonly TuneResult[],
    Progress
  >;
  /** In how many shapes of a model's layers the winner of an earlier tuning runs. */
  readonly tunedShapes: Call<ModelName, number>;
  /** Measures all kernels over layers, a line each. */
  readonly benchmark: Call<readonly string[], KernelReport, BenchEvent>;
}
