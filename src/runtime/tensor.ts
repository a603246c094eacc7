import type { DType } from '../../shaders/lib/element_types.ts';
import type { MapStrides } from '../../shaders/lib/map_strides.ts';
import { ShapeError } from './errors.ts';

export type { DType, MapStrides };

/** Extents, outermost first: `[N, C, H, W]` for images and feature maps, `[N, C]` for vectors. */
export type Shape = readonly number[];

/** Where elements lie in memory: the first, and how far it is from one to the next along each axis, in elements. */
export interface View {
  /** Elements before the first. */
  readonly offset: number;
  /** Elements from an index to the next, for each axis. */
  readonly strides: readonly number[];
}

/** What is known about a tensor before any data exists. */
export interface TensorDesc {
  /** Its extents. */
  readonly shape: Shape;
  /** How its elements are stored. */
  readonly dtype: DType;
  /** Absent where the elements follow one another from the first on, in the order of the shape: NCHW for maps. */
  readonly view?: View;
}

const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = { f32: 4, f16: 2 };

export function bytesPerElement(dtype: DType): number {
  return BYTES_PER_ELEMENT[dtype];
}

/**
 * A dense f32 tensor of this shape. Throws ShapeError, about `who`, unless every extent is a positive
 * integer.
 */
export function tensorDesc(shape: Shape, who = 'a tensor'): TensorDesc {
  if (!areIntegers(shape, 1)) {
    throw new ShapeError(`${who}'s extents must be positive integers, got ${formatShape(shape)}`);
  }
  return { shape, dtype: 'f32' };
}

/** Whether these, which may be anything, are integers of at least this. */
export function areIntegers(values: unknown, least: number): values is readonly number[] {
  return Array.isArray(values) && values.every((n) => Number.isSafeInteger(n) && n >= least);
}

/** The number of elements; 1 for the empty shape. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The strides of a dense tensor. */
export function denseStrides(shape: Shape): readonly number[] {
  return shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
}

/** The position of an element in row-major order: [n, c, h, w] in a feature map. */
export function positionOf(index: number, shape: Shape): Shape {
  return denseStrides(shape).map((stride, axis) => Math.floor(index / stride) % (shape[axis] ?? 1));
}

/** Where strides put an element in row-major order. Makes nothing: it is called of every element. */
export function offsetOf(index: number, shape: Shape, strides: readonly number[]): number {
  let [rest, offset] = [index, 0];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] ?? 1;
    offset += (rest % extent) * (strides[axis] ?? 0);
    rest = Math.floor(rest / extent);
  }
  return offset;
}

/** Where the elements lie, also of a dense tensor. */
export function viewOfDesc({ shape, view }: TensorDesc): View {
  return view ?? { offset: 0, strides: denseStrides(shape) };
}

/** The tensor under a view; one that says no more than the shape is left out. */
export function withView(desc: TensorDesc, view: View): TensorDesc {
  const { view: _, ...rest } = desc;
  return view.offset === 0 && isDense(desc.shape, view.strides) ? rest : { ...rest, view };
}

/** Whether strides are a dense tensor's, from an axis on. Those of axes of one element do not matter. */
function isDense(shape: Shape, strides: readonly number[], from = 0): boolean {
  return denseStrides(shape).every(
    (stride, axis) => axis < from || shape[axis] === 1 || strides[axis] === stride,
  );
}

/**
 * The memory of feature maps whose channels are rows of a matrix: the pixels of all images one after the other, and
 * padding up to whole fours. Of one image whose pixels are whole fours, this is NCHW.
 */
export function channelMajor(shape: Shape): View {
  const { batch, height, width } = nchw(shape);
  const plane = height * width;
  return { offset: 0, strides: [plane, Math.ceil((batch * plane) / 4) * 4, width, 1] };
}

/** The size of the elements in memory, in bytes, with what lies between them. */
export function byteLength(desc: TensorDesc): number {
  return storedElements(desc) * BYTES_PER_ELEMENT[desc.dtype];
}

/** The number of elements in memory: of a view, those between the first and the last, up to whole fours. */
export function storedElements(desc: TensorDesc): number {
  return desc.view ? Math.ceil(elementSpan(desc) / 4) * 4 : elementCount(desc.shape);
}

/** The number of elements from the first to the last, those between them that belong to others included. */
export function elementSpan({ shape, view }: TensorDesc): number {
  if (!view) return elementCount(shape);
  return 1 + shape.reduce((sum, extent, axis) => sum + (extent - 1) * (view.strides[axis] ?? 0), 0);
}

/**
 * Where the planes of a map [N, C, ...] lie. Throws ShapeError for tensors of less than two axes, and for views whose
 * planes are not dense.
 */
export function mapStrides(desc: TensorDesc): MapStrides {
  const strides = mapStridesOf(desc);
  if (!strides) throw new ShapeError(`expected planes of a map, got ${formatShape(desc.shape)}`);
  return strides;
}

/** Where the planes of a map lie; undefined where it has none. */
export function mapStridesOf(desc: TensorDesc): MapStrides | undefined {
  const { shape } = desc;
  if (shape.length < 2) return undefined;
  const { offset, strides } = viewOfDesc(desc);
  const [image = 0, channel = 0] = strides;
  return isDense(shape, strides, 2) ? { offset, image, channel } : undefined;
}

/** Copies a tensor as it is stored, from its first element on, into a row-major array: row by row of the last axis. */
export function copyRowMajor(
  { shape, view }: TensorDesc,
  stored: Float32Array,
  target: Float32Array,
): void {
  const strides = view?.strides ?? denseStrides(shape);
  const outer = shape.slice(0, -1);
  const length = shape.at(-1) ?? 1;
  const step = strides.at(-1) ?? 1;
  for (let to = 0; to < target.length; to += length) {
    const from = offsetOf(to / length, outer, strides);
    if (step === 1) target.set(stored.subarray(from, from + length), to);
    else for (let i = 0; i < length; i++) target[to + i] = stored[from + i * step] ?? 0;
  }
}

/** The size of a buffer for so many elements, in bytes: WebGPU binds and copies whole words only. */
export function bufferBytes(elements: number, dtype: DType): number {
  return Math.ceil((elements * BYTES_PER_ELEMENT[dtype]) / 4) * 4;
}

export function shapesEqual(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/**
 * `[1, 64, 56, 56]`; what is no shape as it is.
 *
 * @param shape - Extents.
 * @throws Nothing: it is what messages are made by.
 *
 * @example
 * formatShape(x.desc.shape); // '[1, 64, 56, 56]'
 */
export function formatShape(shape: Shape): string {
  return Array.isArray(shape) ? `[${shape.map(String).join(', ')}]` : String(shape);
}

/** A feature map's extents by name. */
export interface Nchw {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Reads a rank-4 shape by name. Throws ShapeError, about `who`, for any other rank. */
export function nchw(shape: Shape, who = 'a layer'): Nchw {
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  if (shape.length !== 4) {
    throw new ShapeError(`${who}: expects a feature map [N, C, H, W], got ${formatShape(shape)}`);
  }
  return { batch, channels, height, width };
}

/** Reads a rank-2 shape as `[rows, columns]`. Throws ShapeError for any other rank. */
export function rowsAndColumns(shape: Shape): readonly [number, number] {
  const [rows = 1, columns = 1] = shape;
  if (shape.length !== 2) {
    throw new ShapeError(`expected a matrix [rows, columns], got ${formatShape(shape)}`);
  }
  return [rows, columns];
}
