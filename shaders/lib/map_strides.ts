/** How many elements lie before a feature map, between its images, and between its channels. A plane is dense. */
export interface MapStrides {
  /** Of the first element. */
  readonly offset: number;
  /** From an image to the next. */
  readonly image: number;
  /** From a channel to the next. */
  readonly channel: number;
}

/** As sizes of a shader: `X_OFFSET`, `X_IMAGE` and `X_CHANNEL` for `x`. */
export function planeSizes(
  tensor: string,
  { offset, image, channel }: MapStrides,
): Readonly<Record<string, number>> {
  const name = tensor.toUpperCase();
  return { [`${name}_OFFSET`]: offset, [`${name}_IMAGE`]: image, [`${name}_CHANNEL`]: channel };
}
