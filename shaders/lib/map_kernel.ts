/**
 * What kernels from one map to another have in common.
 *
 * Layouts: x, y maps [N, C, ...] of dense planes. Threads: one invocation an element of y, in the order of the shape.
 */
import { elementTypes, type UnaryTypes } from './element_types.ts';
import { type Epilogue, epilogueText } from './epilogue.ts';
import { elementText, type Grid } from './grid.ts';
import type { MapStrides } from './map_strides.ts';

/** What kernels from one map to another need to know. */
export interface MapProblem {
  /** Elements of y, in planes of `plane`, `channels` of them an image. */
  readonly count: number;
  /** Planes of an image. */
  readonly channels: number;
  /** Elements of a plane. */
  readonly plane: number;
  /** Where planes of the input lie. */
  readonly xStrides: MapStrides;
  /** Where planes of the output lie. */
  readonly yStrides: MapStrides;
  /** How input and output are stored. */
  readonly types: UnaryTypes;
  /** What becomes of a result before it is stored, if anything. */
  readonly epilogue: Epilogue | undefined;
}

export const MAP_THREADS = 64;

/**
 * The bindings, `x_plane(image, channel)` and `y_plane`, the indices of the first element of a plane, and `store`,
 * which ends with the epilogue.
 */
export function mapText({ channels, xStrides, yStrides, types, epilogue }: MapProblem): string {
  return `
${elementTypes(types, epilogue)}
const CHANNELS = ${channels}u;

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
${planeText('x', xStrides)}
${planeText('y', yStrides)}
${epilogueText(epilogue)}

fn store(value: f32, image: u32, channel: u32, place: u32) {
  y[y_plane(image, channel) + place] = to_y(epilogue(value, image, channel, place));
}`;
}

/** With `at = element_at(workgroup, thread)`: `at.nth`, `at.image`, `at.channel`, and `at.place` in its plane. */
export function mapElementText(problem: MapProblem, grid: Grid): string {
  return `${mapText(problem)}
${elementText(grid, MAP_THREADS, problem.count)}
const PLANE = ${problem.plane}u;

struct Element {
  nth: u32,
  image: u32,
  channel: u32,
  place: u32,
}

fn element_at(workgroup: vec3u, thread: u32) -> Element {
  let nth = element_of(workgroup, thread);
  let plane = nth / PLANE;
  return Element(nth, plane / CHANNELS, plane % CHANNELS, nth % PLANE);
}`;
}

/** `NAME_plane(image, channel)`: the index of the first element of a plane of a tensor of this name. */
export function planeText(tensor: string, { offset, image, channel }: MapStrides): string {
  const name = tensor.toUpperCase();
  return `
const ${name}_OFFSET = ${offset}u;
const ${name}_IMAGE = ${image}u;
const ${name}_CHANNEL = ${channel}u;

fn ${tensor}_plane(image: u32, channel: u32) -> u32 {
  return ${name}_OFFSET + image * ${name}_IMAGE + channel * ${name}_CHANNEL;
}`;
}
