/** The boxes of a detector's candidates, from the numbers that its network gives to pixels of the picture. */
import type { Box } from './boxes.ts';
import { type DetectorFamily, STRIDES } from './detector_family.ts';
import { type Extent, geometryOf, type Preprocessing } from './preprocessing.ts';

/** What the network says of its candidates: four numbers of each, and the anchors that they are of. */
export interface Candidates {
  readonly boxes: Float32Array;
  readonly anchors: Float32Array;
}

/** How a network sees a picture, and how its numbers are to be read. */
export interface Reading {
  readonly family: DetectorFamily;
  readonly preprocessing: Preprocessing;
}

/** Left, upper, right and lower, in pixels. */
type Edges = readonly [number, number, number, number];

/**
 * The box of a candidate in a picture of this size, which it may reach beyond; undefined where it has no height or no
 * width.
 */
export function boxesIn(
  image: Extent,
  { boxes, anchors }: Candidates,
  { family, preprocessing }: Reading,
): (candidate: number) => Box | undefined {
  const { crop, scale } = geometryOf(preprocessing, image);
  const edges = edgesBy(family, preprocessing.size);
  return (candidate) => {
    const [a = 0, b = 0, c = 0, d = 0] = boxes.subarray(4 * candidate, 4 * candidate + 4);
    const [left, top, right, bottom] = edges([a, b, c, d], anchors[candidate] ?? 0);
    const width = (right - left) * scale.horizontal;
    const height = (bottom - top) * scale.vertical;
    const x = (left + crop.left) * scale.horizontal;
    const y = (top + crop.top) * scale.vertical;
    return width > 0 && height > 0 ? { left: x, top: y, width, height } : undefined;
  };
}

/** Four numbers of an anchor to edges in the network's input. */
function edgesBy(
  { boxes, unit }: DetectorFamily,
  [height, width]: readonly [number, number],
): (numbers: Edges, anchor: number) => Edges {
  const scaled = ([a, b, c, d]: Edges): Edges =>
    unit === 'input' ? [a * width, b * height, c * width, d * height] : [a, b, c, d];
  const edges = ([a, b, c, d]: Edges): Edges =>
    boxes === 'edges' ? [a, b, c, d] : [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
  if (unit !== 'cell') return (numbers) => edges(scaled(numbers));
  return (numbers, anchor) => edges(fromCell(numbers, anchor, width, height));
}

/** Centres count from the corner of the anchor's cell (Ge et al., 2021, section 2.2). */
function fromCell([a, b, c, d]: Edges, anchor: number, width: number, height: number): Edges {
  let index = anchor;
  for (const stride of STRIDES) {
    const columns = Math.ceil(width / stride);
    const cells = columns * Math.ceil(height / stride);
    if (index < cells) {
      const [column, row] = [index % columns, Math.floor(index / columns)];
      return [
        (column + a) * stride,
        (row + b) * stride,
        Math.exp(c) * stride,
        Math.exp(d) * stride,
      ];
    }
    index -= cells;
  }
  return [0, 0, 0, 0];
}
