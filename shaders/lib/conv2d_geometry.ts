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
