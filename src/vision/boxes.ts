/** Boxes around things in a picture: how far two overlap, and which are around the same thing. */

/** A rectangle in pixels of a picture; whole pixels and parts of them. */
export interface Box {
  /** From the picture's left edge. */
  readonly left: number;
  /** From its upper edge. */
  readonly top: number;
  /** Above 0. */
  readonly width: number;
  /** Above 0. */
  readonly height: number;
}

/** A box around something that has a class. */
interface Found {
  readonly box: Box;
  readonly class: number;
}

/** Intersection over union: the area that both boxes cover, of what they cover together. From 0 to 1. */
export function overlapOf(a: Box, b: Box): number {
  const width = shared(a.left, a.width, b.left, b.width);
  const both = width * shared(a.top, a.height, b.top, b.height);
  return both / (a.width * a.height + b.width * b.height - both);
}

function shared(from: number, length: number, other: number, otherLength: number): number {
  return Math.max(0, Math.min(from + length, other + otherLength) - Math.max(from, other));
}

/**
 * Greedy non-maximum suppression: of boxes in the order of their scores, each that overlaps none of its class kept
 * before it by more than `overlap`.
 */
export function firstOfEach<T extends Found>(found: readonly T[], overlap: number): readonly T[] {
  const kept: T[] = [];
  for (const one of found) {
    const again = kept.some(
      (better) => better.class === one.class && overlapOf(better.box, one.box) > overlap,
    );
    if (!again) kept.push(one);
  }
  return kept;
}

/** What of a box is in a picture; undefined where nothing is. */
export function inPicture(
  box: Box,
  picture: { readonly width: number; readonly height: number },
): Box | undefined {
  const [left, top] = [Math.max(0, box.left), Math.max(0, box.top)];
  const width = Math.min(box.left + box.width, picture.width) - left;
  const height = Math.min(box.top + box.height, picture.height) - top;
  return width > 0 && height > 0 ? { left, top, width, height } : undefined;
}
