/** WGSL for kernels that gather a convolution's input: which pixels an output is made of. */

/** Over the sizes of `conv2dSizes`; `locals` reads those that are bound. */
export function receptiveField(locals: string, oneImage = false): string {
  return `
// Where a pixel's receptive field begins: its plane of the first channel, row and column before padding.
struct Field {
  plane: u32,
  top: u32,
  left: u32,
}

fn field_of(pixel: u32, group: u32) -> Field {
${locals}
  ${oneImage ? 'const image = 0u' : 'let image = pixel / PLANE_OUT'};
  let place = ${oneImage ? 'pixel' : 'pixel - image * PLANE_OUT'};
  let row = place / W_OUT;
  return Field(
    X_OFFSET + image * X_IMAGE + group * GROUP_C_IN * X_CHANNEL,
    row * STRIDE_H,
    (place - row * W_OUT) * STRIDE_W,
  );
}

// Where a tap of a receptive field lies in its plane. Above and left of the image the subtraction wraps round
// to a huge number, so that one comparison tells whether it lies in the image.
struct Tap {
  at: u32,
  inside: bool,
}

fn tap_at(field: Field, tap_row: u32, tap_column: u32) -> Tap {
${locals}
  let row = field.top + tap_row * DILATION_H - PAD_TOP;
  let column = field.left + tap_column * DILATION_W - PAD_LEFT;
  let inside = (row < H_IN) & (column < W_IN);
  return Tap(select(0u, row * W_IN + column, inside), inside);
}

fn tap_of(field: Field, tap: u32) -> Tap {
${locals}
  return tap_at(field, tap / K_W, tap % K_W);
}
`;
}
