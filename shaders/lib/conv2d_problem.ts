import type { ElementTypes } from './element_types.ts';
import type { Epilogue } from './epilogue.ts';
import type { MapStrides } from './map_strides.ts';
import { type Window2d, windowSizes } from './window.ts';

/** A convolution as its kernels see it. */
export interface Conv2dProblem extends Window2d {
  readonly batch: number;
  readonly inputChannels: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputChannels: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly groups: number;
  /** Whether some output reads beyond the input, so that reads need a check. */
  readonly padded: boolean;
  readonly bias: boolean;
  readonly epilogue: Epilogue | undefined;
  readonly xStrides: MapStrides;
  readonly yStrides: MapStrides;
  /** The bias is f32. */
  readonly types: ElementTypes<'x' | 'weight'>;
  /**
   * Whether x is a matrix [input channel][output pixel of the whole batch] as it lies, its rows X_CHANNEL apart. The
   * kernel is 1x1 then.
   */
  readonly columns: boolean;
}

/** The sizes of a convolution, as shaders name them. */
export type Conv2dSizes = Readonly<
  Record<
    | keyof ReturnType<typeof windowSizes>
    | 'C_IN'
    | 'H_IN'
    | 'W_IN'
    | 'C_OUT'
    | 'W_OUT'
    | 'PLANE_IN'
    | 'PLANE_OUT'
    | 'OUT_PIXELS'
    | 'GROUP_C_IN'
    | 'GROUP_C_OUT'
    | 'X_OFFSET'
    | 'X_IMAGE'
    | 'X_CHANNEL'
    | 'Y_OFFSET'
    | 'Y_IMAGE'
    | 'Y_CHANNEL',
    number
  >
>;

/** The sizes that every convolution kernel computes with. */
export function conv2dSizes(g: Omit<Conv2dProblem, 'padded' | 'columns' | 'types'>): Conv2dSizes {
  return {
    C_IN: g.inputChannels,
    H_IN: g.inputHeight,
    W_IN: g.inputWidth,
    C_OUT: g.outputChannels,
    W_OUT: g.outputWidth,
    PLANE_IN: g.inputHeight * g.inputWidth,
    PLANE_OUT: g.outputHeight * g.outputWidth,
    OUT_PIXELS: outputPixels(g),
    GROUP_C_IN: g.inputChannels / g.groups,
    GROUP_C_OUT: g.outputChannels / g.groups,
    ...windowSizes(g),
    X_OFFSET: g.xStrides.offset,
    X_IMAGE: g.xStrides.image,
    X_CHANNEL: g.xStrides.channel,
    Y_OFFSET: g.yStrides.offset,
    Y_IMAGE: g.yStrides.image,
    Y_CHANNEL: g.yStrides.channel,
  };
}

/** Pixels of the whole batch: the rows of the GEMM that a convolution is. */
export function outputPixels(
  g: Pick<Conv2dProblem, 'batch' | 'outputHeight' | 'outputWidth'>,
): number {
  return g.batch * g.outputHeight * g.outputWidth;
}

/** Whether four neighbouring output pixels, the first a multiple of four, are neighbours in such a map, too. */
export function wholeFours(g: Conv2dProblem, { offset, image, channel }: MapStrides): boolean {
  const plane = g.outputHeight * g.outputWidth;
  const images = image === plane || (plane % 4 === 0 && image % 4 === 0);
  return offset % 4 === 0 && channel % 4 === 0 && images;
}

/** Whether x is columns whose pixels can be read four at once. */
export function columnsInFours({ columns, xStrides }: Conv2dProblem): boolean {
  return columns && xStrides.offset % 4 === 0 && xStrides.channel % 4 === 0;
}

/** 1x1 without padding: a pixel's channels lie one plane apart, and there are no taps. */
export function isPointwise({ kernel, padded }: Conv2dProblem): boolean {
  return kernel.every((extent) => extent === 1) && !padded;
}

/** Whether four neighbouring output pixels are four neighbouring, aligned words of x, also after the last one. */
export function gathersFours(g: Conv2dProblem): boolean {
  if (g.columns) return columnsInFours(g);
  const together = isPointwise(g) && g.stride.every((stride) => stride === 1);
  return together && outputPixels(g) % 4 === 0 && wholeFours(g, g.xStrides);
}

/** Bits of a word, which say of a pixel which of its taps lie in the image. */
const MOST_TAPS = 32;

/** What has a tap of its own: nothing, where there is but one; a step, if all of its rows have the same; an element. */
export function tapsOf(g: Conv2dProblem, depth: number): 'none' | 'step' | 'element' {
  if (isPointwise(g)) return 'none';
  const { GROUP_C_IN, K_H, K_W } = conv2dSizes(g);
  return GROUP_C_IN % depth === 0 && K_H * K_W <= MOST_TAPS ? 'step' : 'element';
}
