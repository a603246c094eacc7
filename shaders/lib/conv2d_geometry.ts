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
  /**
   * Where x is not a feature map but a matrix [input channel][output pixel of the whole batch], as
   * im2col leaves it: the distance of its rows. The kernel is 1x1 then.
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
