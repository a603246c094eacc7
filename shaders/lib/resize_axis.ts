/** Where the positions of one axis of a resized image lie in the image that it is made of. */

/** Position p at (p * step + origin) / unit: integers, so that no rounding moves a nearest neighbour or a corner. */
export interface ResizeAxis {
  readonly input: number;
  readonly output: number;
  readonly step: number;
  readonly origin: number;
  readonly unit: number;
}
