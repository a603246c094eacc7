/** WGSL for kernels that gather a convolution's input: which pixels an output is made of. */

/** Over the sizes of `conv2dSizes`. */
export const RECEPTIVE_FIELD = `
// Where a pixel's receptive field begins: its plane of the first channel, row and column before padding.
struct Field {
  plane: u32,
  top: u32,
  left: u32,
}

fn field_of(pixel: u32, group: u32) -> Field {
  return Field(
    X_OFFSET + pixel / PLANE_OUT * X_IMAGE + group * GROUP_C_IN * X_CHANNEL,
    pixel % PLANE_OUT / W_OUT * STRIDE_H,
    pixel % W_OUT * STRIDE_W,
  );
}

// Where a tap of a receptive field lies in its plane. Above and left of the image the subtraction wraps round
// to a huge number, so that one comparison tells whether it lies in the image.
struct Tap {
  at: u32,
  inside: bool,
}

fn tap_of(field: Field, tap: u32) -> Tap {
  let row = field.top + tap / K_W * DILATION_H - PAD_TOP;
  let column = field.left + tap % K_W * DILATION_W - PAD_LEFT;
  let inside = row < H_IN && column < W_IN;
  return Tap(select(0u, row * W_IN + column, inside), inside);
}
`;
