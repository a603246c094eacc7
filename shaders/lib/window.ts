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

/** A window's sizes as constants: with a sign where places before the map are told by theirs. */
export function windowText(g: Window2d, type: 'i32' | 'u32'): string {
  const [suffix] = type;
  return `const K_H = ${g.kernel[0]}${suffix};
const K_W = ${g.kernel[1]}${suffix};
const STRIDE_H = ${g.stride[0]}${suffix};
const STRIDE_W = ${g.stride[1]}${suffix};
const DILATION_H = ${g.dilation[0]}${suffix};
const DILATION_W = ${g.dilation[1]}${suffix};
const PAD_TOP = ${g.padding.top}${suffix};
const PAD_LEFT = ${g.padding.left}${suffix};`;
}
