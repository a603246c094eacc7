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
  | { readonly kind: 'lost'; readonly message: string };

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
}
