/** Everything about a convolution that its kernels compile in. */
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
}

/** The `const` lines that every convolution kernel begins with. */
export function conv2dConstants(g: Conv2dGeometry): string {
  return `const C_IN = ${g.inputChannels}u;
const H_IN = ${g.inputHeight}u;
const W_IN = ${g.inputWidth}u;
const C_OUT = ${g.outputChannels}u;
const W_OUT = ${g.outputWidth}u;
const PLANE_IN = ${g.inputHeight * g.inputWidth}u;
const PLANE_OUT = ${g.outputHeight * g.outputWidth}u;
const OUT_PIXELS = ${outputPixels(g)}u;
const GROUP_C_IN = ${g.inputChannels / g.groups}u;
const GROUP_C_OUT = ${g.outputChannels / g.groups}u;
const K_H = ${g.kernel[0]}u;
const K_W = ${g.kernel[1]}u;
const STRIDE_H = ${g.stride[0]}u;
const STRIDE_W = ${g.stride[1]}u;
const DILATION_H = ${g.dilation[0]}u;
const DILATION_W = ${g.dilation[1]}u;
const PAD_TOP = ${g.padding.top}u;
const PAD_LEFT = ${g.padding.left}u;`;
}

/** Pixels of the whole batch: the rows of the GEMM that a convolution is. */
export function outputPixels(g: Conv2dGeometry): number {
  return g.batch * g.outputHeight * g.outputWidth;
}
