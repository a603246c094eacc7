/** How many elements lie before a feature map, between its images, and between its channels. A plane is dense. */
export interface MapStrides {
  readonly offset: number;
  readonly image: number;
  readonly channel: number;
}
