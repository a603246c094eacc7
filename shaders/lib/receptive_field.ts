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

/**
 * A walk over a window in steps of DEPTH channels, all of which have one tap: the tap is counted, not divided for. x
 * lies `next_tap`, and after each step DEPTH * X_CHANNEL, further on.
 *
 * @param padded - Whether taps may lie outside of the image: if so, bit 0 of `inside` tells of the step's.
 */
export function tapWalk(locals: string, padded: boolean): string {
  return `
struct Walk {
  // The next step's first channel, and the column of its tap in the window.
  channel: u32,
  column: u32,
${padded ? '  inside: u32,' : ''}
}

fn first_tap(field: Field) -> Walk {
  return Walk(0u, 0u${padded ? ', taps_inside(field)' : ''});
}

fn first_place(field: Field) -> u32 {
${locals}
  return field.plane + (field.top - PAD_TOP) * W_IN + field.left - PAD_LEFT;
}

fn next_tap(walk: ptr<function, Walk>) -> u32 {
${locals}
  var distance = 0u;
  if ((*walk).channel == GROUP_C_IN) {
    (*walk).channel = 0u;
    (*walk).column++;
    distance = DILATION_W - GROUP_C_IN * X_CHANNEL;
    ${padded ? '(*walk).inside >>= 1u;' : ''}
    if ((*walk).column == K_W) {
      (*walk).column = 0u;
      distance += DILATION_H * W_IN - DILATION_W * K_W;
    }
  }
  (*walk).channel += DEPTH;
  return distance;
}
${padded ? tapsInside(locals) : ''}
`;
}

function tapsInside(locals: string): string {
  return `
// A bit for each tap: whether it lies in the image.
fn taps_inside(field: Field) -> u32 {
${locals}
  var columns = 0u;
  for (var s = 0u; s < K_W; s++) {
    columns |= select(0u, 1u << s, field.left + s * DILATION_W - PAD_LEFT < W_IN);
  }
  var taps = 0u;
  for (var r = 0u; r < K_H; r++) {
    taps |= select(0u, columns << (r * K_W), field.top + r * DILATION_H - PAD_TOP < H_IN);
  }
  return taps;
}
`;
}
