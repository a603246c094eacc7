/** How many elements lie before a feature map, between its images, and between its channels. A plane is dense. */
export interface MapStrides {
  /** Of the first element. */
  readonly offset: number;
  /** From an image to the next. */
  readonly image: number;
  /** From a channel to the next. */
  readonly channel: number;
}
