/**
 * What kernels from one map to another have in common.
 *
 * Layouts: x, y maps [N, C, ...] of dense planes. Threads: one invocation an element of y, in the order of the shape.
 */
import { constants, type Dimensions, dimensions } from './dimensions.ts';
import { elementTypes, type UnaryTypes } from './element_types.ts';
import { type Epilogue, epilogueModule } from './epilogue.ts';
import type { Grid } from './grid.ts';
import { type MapStrides, planeSizes } from './map_strides.ts';

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

/** The head of such a kernel, and the sizes that it binds. */
export interface MapModule extends Pick<Dimensions, 'locals' | 'words'> {
  readonly head: string;
}

/**
 * Of a kernel whose sizes are bound: the bindings, `x_plane(image, channel)` and `y_plane`, the indices of the first
 * element of a plane, and `store`, which ends with the epilogue. CHANNELS, GRID_COLUMNS and `sizes` are locals of
 * `main`.
 */
export function mapModule(
  problem: MapProblem,
  grid: Grid,
  sizes: Readonly<Record<string, number>>,
): MapModule {
  return moduleOf(problem, grid, sizes, true);
}

/**
 * The same head with sizes compiled in, for kernels that do little more for an element than to find it: CPU adapters
 * divide lane by lane by what is bound. With `at = element_at(workgroup, thread)`: `at.nth`, `at.image`, `at.channel`,
 * and `at.place` in its plane.
 */
export function mapElementText(problem: MapProblem, grid: Grid): string {
  const { count: COUNT, plane: PLANE } = problem;
  return `${moduleOf(problem, grid, { COUNT, PLANE }, false).head}
const THREADS = ${MAP_THREADS}u;

struct Element {
  nth: u32,
  image: u32,
  channel: u32,
  place: u32,
}

fn element_at(workgroup: vec3u, thread: u32) -> Element {
  let nth = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  let plane = nth / PLANE;
  return Element(nth, plane / CHANNELS, plane % CHANNELS, nth % PLANE);
}`;
}

function moduleOf(
  { channels, xStrides, yStrides, types, epilogue }: MapProblem,
  grid: Grid,
  rest: Readonly<Record<string, number>>,
  bound: boolean,
): MapModule {
  const { text, sizes, sizeArguments } = epilogueModule(epilogue, 1, bound ? 'bound' : 'compiled');
  const { declarations, ...module } = dimensions(
    {
      CHANNELS: channels,
      GRID_COLUMNS: grid.columns,
      ...planeSizes('x', xStrides),
      ...planeSizes('y', yStrides),
      ...rest,
      ...sizes,
    },
    bound,
  );
  const of = bound ? 'dimensions.' : '';
  const head = `
${elementTypes(types, epilogue)}
${declarations}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
${planeFunction('x', of)}
${planeFunction('y', of)}
${text}

fn store(value: f32, image: u32, channel: u32, place: u32) {
  y[y_plane(image, channel) + place] =
    to_y(epilogue(value, image, channel, place${sizeArguments.replaceAll(', ', `, ${of}`)}));
}`;
  return { head, ...module };
}

/** `NAME_plane(image, channel)`: the index of the first element of a plane of a tensor of this name. */
export function planeText(tensor: string, strides: MapStrides): string {
  return `
${constants(planeSizes(tensor, strides))}
${planeFunction(tensor)}`;
}

/** `NAME_plane(image, channel)` alone; `of` comes before the names of its sizes. */
function planeFunction(tensor: string, of = ''): string {
  const name = of + tensor.toUpperCase();
  return `
fn ${tensor}_plane(image: u32, channel: u32) -> u32 {
  return ${name}_OFFSET + image * ${name}_IMAGE + channel * ${name}_CHANNEL;
}`;
}
