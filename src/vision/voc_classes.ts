/** A class of pixels: its name, and the colour it is shown in. */
export interface PixelClass {
  /** Its name. */
  readonly label: string;
  /** Red, green, blue, 0 .. 255. */
  readonly colour: readonly [number, number, number];
}

const LABELS = [
  'background',
  'aeroplane',
  'bicycle',
  'bird',
  'boat',
  'bottle',
  'bus',
  'car',
  'cat',
  'chair',
  'cow',
  'dining table',
  'dog',
  'horse',
  'motorbike',
  'person',
  'potted plant',
  'sheep',
  'sofa',
  'train',
  'tv or monitor',
] as const;

/**
 * The 21 classes of Pascal VOC (2012) in the order of torchvision's outputs, in the colours of its masks.
 *
 * @example
 * console.log(vocClasses[15]); // { label: 'person', colour: [192, 128, 128] }
 */
export const vocClasses: readonly PixelClass[] = pixelClasses(LABELS);

/** Classes of these names, in the colours that VOC has for their indices. */
export function pixelClasses(labels: readonly string[]): readonly PixelClass[] {
  return labels.map((label, index) => ({
    label,
    colour: [vocColour(index, 0), vocColour(index, 1), vocColour(index, 2)],
  }));
}

/**
 * VOC's colour map, one channel of it: of the index, bits 0, 3, 6 go to red, 1, 4, 7 to green, 2, 5, 8 to
 * blue, each the most significant first.
 */
function vocColour(index: number, channel: number): number {
  let value = 0;
  for (let i = 0; i < 8; i++) value |= ((index >> (3 * i + channel)) & 1) << (7 - i);
  return value;
}
