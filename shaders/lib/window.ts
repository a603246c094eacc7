/** Windows that slide over a map, as kernels see those of convolutions, pools and their like. */
export interface Window2d {
  /** [height, width], as all pairs here. */
  readonly kernel: readonly [number, number];
  /** Pixels from a window to the next. */
  readonly stride: readonly [number, number];
  /** Pixels from a tap to the next. */
  readonly dilation: readonly [number, number];
  /** Rows and columns before the first. */
  readonly padding: {
    /** Rows above the first. */
    readonly top: number;
    /** Columns before the first. */
    readonly left: number;
  };
}

type WindowSize = `${'K' | 'STRIDE' | 'DILATION'}_${'H' | 'W'}` | 'PAD_TOP' | 'PAD_LEFT';

/** A window's sizes, as shaders name them. */
export function windowSizes({
  kernel,
  stride,
  dilation,
  padding,
}: Window2d): Readonly<Record<WindowSize, number>> {
  return {
    K_H: kernel[0],
    K_W: kernel[1],
    STRIDE_H: stride[0],
    STRIDE_W: stride[1],
    DILATION_H: dilation[0],
    DILATION_W: dilation[1],
    PAD_TOP: padding.top,
    PAD_LEFT: padding.left,
  };
}

/** The same as constants: with a sign where places before the map are told by theirs. */
export function windowText(g: Window2d, type: 'i32' | 'u32'): string {
  return Object.entries(windowSizes(g))
    .map(([name, size]) => `const ${name} = ${size}${type.charAt(0)};`)
    .join('\n');
}
