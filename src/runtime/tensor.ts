import { ShapeError } from './errors.ts';

/** How one element is stored. Arithmetic is f32 whatever it is. */
export type DType = 'f32' | 'f16';

/** Extents, outermost first: `[N, C, H, W]` for images and feature maps, `[N, C]` for vectors. */
export type Shape = readonly number[];

/**
 * The order of the elements in memory. `row-major` follows the order of `Shape`: NCHW for feature maps.
 * `channel-major`, for feature maps only, is a matrix with a row a channel: the pixels of all images one after the
 * other, and padding up to whole fours. Of one image whose pixels are whole fours, both are the same.
 */
export type Layout = 'row-major' | 'channel-major';

/** What is known about a tensor before any data exists. */
export interface TensorDesc {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly layout: Layout;
}

const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = { f32: 4, f16: 2 };

/**
 * A row-major f32 tensor of this shape. Throws ShapeError, about `who`, unless every extent is a positive
 * integer.
 */
export function tensorDesc(shape: Shape, who = 'a tensor'): TensorDesc {
  if (shape.some((extent) => !Number.isSafeInteger(extent) || extent < 1)) {
    throw new ShapeError(`${who}'s extents must be positive integers, got ${formatShape(shape)}`);
  }
  return { shape, dtype: 'f32', layout: 'row-major' };
}

/** The number of elements; 1 for the empty shape. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The size of the elements, in bytes. */
export function byteLength(desc: TensorDesc): number {
  return storedElements(desc) * BYTES_PER_ELEMENT[desc.dtype];
}

/** The number of elements in memory, padding included. */
export function storedElements(desc: TensorDesc): number {
  if (desc.layout === 'row-major') return elementCount(desc.shape);
  return nchw(desc.shape).channels * mapStrides(desc).channel;
}

/** How many elements lie between the images, and between the channels, of a feature map. */
export interface MapStrides {
  readonly image: number;
  readonly channel: number;
}

/** Where the pixels of a feature map lie. Throws ShapeError for tensors that are none. */
export function mapStrides({ shape, layout }: TensorDesc): MapStrides {
  const { batch, channels, height, width } = nchw(shape);
  const plane = height * width;
  if (layout === 'row-major') return { image: channels * plane, channel: plane };
  return { image: plane, channel: Math.ceil((batch * plane) / 4) * 4 };
}

/** Copies a tensor as it is stored into a row-major array, without padding. */
export function copyRowMajor(desc: TensorDesc, stored: Float32Array, target: Float32Array): void {
  if (desc.layout === 'row-major') {
    target.set(stored);
    return;
  }
  const { batch, channels, height, width } = nchw(desc.shape);
  const { image, channel } = mapStrides(desc);
  const plane = height * width;
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      const from = n * image + c * channel;
      target.set(stored.subarray(from, from + plane), (n * channels + c) * plane);
    }
  }
}

/** The other way round: a row-major array as the tensor is stored, padded with zeros. */
export function storedOrder(desc: TensorDesc, rowMajor: Float32Array): Float32Array {
  if (desc.layout === 'row-major') return rowMajor;
  const { batch, channels, height, width } = nchw(desc.shape);
  const { image, channel } = mapStrides(desc);
  const plane = height * width;
  const stored = new Float32Array(storedElements(desc));
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      const from = (n * channels + c) * plane;
      stored.set(rowMajor.subarray(from, from + plane), n * image + c * channel);
    }
  }
  return stored;
}

/** The size of a buffer for so many elements, in bytes: WebGPU binds and copies whole words only. */
export function bufferBytes(elements: number, dtype: DType): number {
  return Math.ceil((elements * BYTES_PER_ELEMENT[dtype]) / 4) * 4;
}

export function shapesEqual(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** `[1, 64, 56, 56]` */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** A feature map's extents by name. */
export interface Nchw {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Reads a rank-4 shape by name. Throws ShapeError for any other rank. */
export function nchw(shape: Shape): Nchw {
  const [batch, channels, height, width] = shape;
  if (
    shape.length !== 4 ||
    batch === undefined ||
    channels === undefined ||
    height === undefined ||
    width === undefined
  ) {
    throw new ShapeError(`expected a feature map [N, C, H, W], got ${formatShape(shape)}`);
  }
  return { batch, channels, height, width };
}

/** Reads a rank-2 shape as `[rows, columns]`. Throws ShapeError for any other rank. */
export function rowsAndColumns(shape: Shape): readonly [number, number] {
  const [rows, columns] = shape;
  if (shape.length !== 2 || rows === undefined || columns === undefined) {
    throw new ShapeError(`expected a matrix [rows, columns], got ${formatShape(shape)}`);
  }
  return [rows, columns];
}
