import type { ElementTypes } from './element_types.ts';

/** How many elements lie between the images, and between the channels, of a feature map. */
export interface MapStrides {
  readonly image: number;
  readonly channel: number;
}

/** A convolution as its kernels see it. */
export interface Conv2dGeometry {
  readonly batch: number;
  readonly inputChannels: number;
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly outputChannels: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly groups: number;
  /** [height, width], as all pairs here. */
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: { readonly top: number; readonly left: number };
  /** Whether some output reads beyond the input, so that reads need a check. */
  readonly padded: boolean;
  readonly bias: boolean;
  readonly residual: boolean;
  readonly activation: 'none' | 'relu';
  readonly xStrides: MapStrides;
  readonly yStrides: MapStrides;
  /** As `yStrides` where there is no residual. */
  readonly residualStrides: MapStrides;
  /** The bias is f32. */
  readonly types: ElementTypes<'x' | 'weight' | 'residual'>;
  /**
   * Where x is not a feature map but a matrix [input channel][output pixel of the whole batch]: the distance of its
   * rows. The kernel is 1x1 then.
   */
  readonly columns?: number;
}

/** The sizes that every convolution kernel computes with. */
export function conv2dSizes(g: Conv2dGeometry): Readonly<Record<string, number>> {
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
    K_H: g.kernel[0],
    K_W: g.kernel[1],
    STRIDE_H: g.stride[0],
    STRIDE_W: g.stride[1],
    DILATION_H: g.dilation[0],
    DILATION_W: g.dilation[1],
    PAD_TOP: g.padding.top,
    PAD_LEFT: g.padding.left,
    X_IMAGE: g.xStrides.image,
    X_CHANNEL: g.xStrides.channel,
    Y_IMAGE: g.yStrides.image,
    Y_CHANNEL: g.yStrides.channel,
    RESIDUAL_IMAGE: g.residualStrides.image,
    RESIDUAL_CHANNEL: g.residualStrides.channel,
  };
}

/** The sizes as `const` lines. */
export function conv2dConstants(g: Conv2dGeometry): string {
  return Object.entries(conv2dSizes(g))
    .map(([name, size]) => `const ${name} = ${size}u;`)
    .join('\n');
}

/** Pixels of the whole batch: the rows of the GEMM that a convolution is. */
export function outputPixels(g: Conv2dGeometry): number {
  return g.batch * g.outputHeight * g.outputWidth;
}

/** Whether four neighbouring output pixels, the first a multiple of four, are neighbours in such a map, too. */
export function wholeFours(g: Conv2dGeometry, { image, channel }: MapStrides): boolean {
  const plane = g.outputHeight * g.outputWidth;
  return channel % 4 === 0 && (image === plane || plane % 4 === 0);
}
