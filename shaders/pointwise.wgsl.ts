/**
 * An expression over tensors, element by element, an extent of 1 repeated along the others':
 *
 *     y[i, j, ...] = expression( a[i or 0, j or 0, ...], b[i or 0, j or 0, ...], ... )
 *
 * Layouts: any, by an offset and a stride along each axis, which is 0 where an operand repeats. What only moves data
 * is the expression `x`: strides may be negative, and bounds say which indices lead into memory; elsewhere the operand
 * is FILL. Arithmetic is modulo 2^32, so offsets outside of memory are harmless where the bounds lead back into it.
 * Threads: one invocation an element of y, in row-major order; or four neighbours, where all tensors have these
 * together, or have one value for them: offsets, strides and the last extent then count fours.
 * In place: an operand that y takes the memory of is not bound, but read from y.
 */
import { type Dimensions, dimensions } from './lib/dimensions.ts';
import { type DType, elementTypes } from './lib/element_types.ts';
import { type Expression, operand } from './lib/expression.ts';
import { literal, type PrintedExpression, printExpression } from './lib/expression_wgsl.ts';
import type { Grid } from './lib/grid.ts';
import type { IndexMap } from './lib/index_map.ts';
import { wgsl } from './lib/wgsl.ts';

/** A tensor along the axes of the problem. */
export interface PointwiseTensor {
  readonly type: DType;
  readonly offset: number;
  readonly strides: readonly number[];
  /** Which indices along each axis lead into memory, and what the others give; all do where there are none. */
  readonly bounds?: IndexMap['bounds'];
  readonly fill?: number;
}

export interface PointwiseProblem {
  readonly expression: Expression;
  readonly extents: readonly number[];
  /** By role, which is also the name in the expression and in the shader. */
  readonly operands: ReadonlyMap<string, PointwiseTensor>;
  readonly y: PointwiseTensor;
}

export const POINTWISE_THREADS = 64;

/** What moves data by an affine map, to where `target` says along its axes. */
export function movementProblem(
  map: IndexMap,
  target: Pick<PointwiseTensor, 'offset' | 'strides'>,
  types: Readonly<Record<'x' | 'y', DType>>,
): PointwiseProblem {
  const { extents, offset, strides, bounds, fill } = map;
  const x = { type: types.x, offset, strides, bounds, fill };
  const { offset: to, strides: along } = target;
  return {
    expression: operand('x'),
    extents,
    operands: new Map([['x', x]]),
    y: { type: types.y, offset: to, strides: along },
  };
}

/** Elements of an invocation. */
export function pointwiseWidth({ extents, operands, y }: PointwiseProblem): 1 | 4 {
  const last = extents.length - 1;
  const inFours = ({ offset, strides }: PointwiseTensor): boolean =>
    strides[last] === 1 && [offset, ...strides.slice(0, last)].every((count) => count % 4 === 0);
  const fits = [...operands.values()].every(
    (x) =>
      (x.strides[last] === 0 || inFours(x)) &&
      (x.bounds?.[last] ?? []).every((index) => index % 4 === 0),
  );
  return (extents[last] ?? 1) % 4 === 0 && inFours(y) && fits ? 4 : 1;
}

/** Invocations that it takes. */
export function pointwiseCount(problem: PointwiseProblem): number {
  return problem.extents.reduce((count, extent) => count * extent, 1) / pointwiseWidth(problem);
}

/** Extents, offsets and strides, in the unit of an invocation; a stride of 0 is no size, but left out of the sum. */
export function pointwiseDimensions(
  problem: PointwiseProblem,
  grid: Grid,
  bound: boolean,
): Dimensions {
  const { extents, operands, y } = problem;
  const width = pointwiseWidth(problem);
  const last = extents.length - 1;
  const sizes: Record<string, number> = {
    COUNT: pointwiseCount(problem),
    GRID_COLUMNS: grid.columns,
  };
  extents.forEach((extent, axis) => {
    if (axis > 0) sizes[`EXTENT_${axis}`] = axis === last ? extent / width : extent;
  });
  for (const [role, tensor] of [...operands, ['y', y] as const]) {
    const { offset, strides } = tensor;
    for (const { axis, from, to } of bitingBounds(tensor, extents)) {
      sizes[boundName(role, 'FROM', axis)] = axis === last ? from / width : from;
      sizes[boundName(role, 'TO', axis)] = axis === last ? to / width : to;
    }
    const unit = strides[last] === 0 ? 1 : width;
    sizes[`${role.toUpperCase()}_OFFSET`] = modulo32(offset / unit);
    strides.forEach((stride, axis) => {
      if (stride !== 0)
        sizes[strideName(role, axis)] = modulo32(axis === last ? stride : stride / unit);
    });
  }
  return dimensions({ ...sizes, ...printed(problem).sizes }, bound);
}

function printed(problem: PointwiseProblem): PrintedExpression {
  const options = { width: pointwiseWidth(problem), operand: textOf, binds: true };
  return printExpression(problem.expression, options);
}

function textOf(role: string): string {
  return `${role}_value`;
}

/** As WGSL's unsigned integers count. */
function modulo32(count: number): number {
  return ((count % 2 ** 32) + 2 ** 32) % 2 ** 32;
}

/** The bounds that some index is outside of. */
function bitingBounds(
  { bounds = [] }: PointwiseTensor,
  extents: readonly number[],
): readonly { readonly axis: number; readonly from: number; readonly to: number }[] {
  return bounds.flatMap(([from, to], axis) =>
    from > 0 || to < (extents[axis] ?? 0) ? [{ axis, from, to }] : [],
  );
}

function boundName(role: string, end: 'FROM' | 'TO', axis: number): string {
  return `${role.toUpperCase()}_${end}_${axis}`;
}

function strideName(role: string, axis: number): string {
  return `${role.toUpperCase()}_STRIDE_${axis}`;
}

export function pointwise(
  problem: PointwiseProblem,
  { declarations, locals }: Dimensions,
  overwritten: string | undefined,
): string {
  const { extents, operands, y } = problem;
  const width = pointwiseWidth(problem);
  const last = extents.length - 1;
  const isWide = ({ strides }: PointwiseTensor): boolean => width === 4 && strides[last] !== 0;
  const arrayOf = (tensor: PointwiseTensor): string =>
    isWide(tensor) ? `array<vec4<${tensor.type}>>` : `array<${tensor.type}>`;
  const indexOf = (role: string, { strides }: PointwiseTensor): string =>
    [
      `${role.toUpperCase()}_OFFSET`,
      ...strides.flatMap((stride, axis) =>
        stride === 0 ? [] : [`i${axis} * ${strideName(role, axis)}`],
      ),
    ].join(' + ');
  const load = (role: string, x: PointwiseTensor): string => {
    const vector = width === 4 ? 'vec4f' : 'f32';
    const value = (element: string): string =>
      width === 4 && !isWide(x) ? `vec4f(f32(${element}))` : `${vector}(${element})`;
    if (role === overwritten) return `  let ${textOf(role)} = ${value('y[to]')};`;
    const index = indexOf(role, x);
    const inside = bitingBounds(x, extents).map(({ axis }) => {
      const [from, to] = [boundName(role, 'FROM', axis), boundName(role, 'TO', axis)];
      return `(i${axis} >= ${from}) & (i${axis} < ${to})`;
    });
    if (inside.length === 0) return `  let ${textOf(role)} = ${value(`${role}[${index}]`)};`;
    const fill = `${vector}(${literal(x.fill ?? 0)})`;
    return `  let ${role}_inside = ${inside.join(' & ')};
  let ${textOf(role)} = select(${fill}, ${value(`${role}[select(0u, ${index}, ${role}_inside)]`)}, ${role}_inside);`;
  };
  const read = [...operands].filter(([role]) => role !== overwritten);
  const slotOf = (role: string): number => [...operands.keys()].indexOf(role);
  const { functions, lines, result } = printed(problem);
  return wgsl`
${elementTypes({ y: y.type, ...Object.fromEntries([...operands].map(([role, { type }]) => [role, type])) })}
${declarations}
const THREADS = ${POINTWISE_THREADS}u;

${read.map(([role, x]) => `@group(0) @binding(${slotOf(role)}) var<storage, read> ${role}: ${arrayOf(x)};`).join('\n')}
@group(0) @binding(${operands.size}) var<storage, read_write> y: ${arrayOf(y)};
${functions}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
${locals}
  let at = (workgroup.x + workgroup.y * GRID_COLUMNS) * THREADS + thread;
  if (at >= COUNT) {
    return;
  }
${indices(last)}
  let to = ${indexOf('y', y)};
${[...operands].map(([role, x]) => load(role, x)).join('\n')}
${lines.map((line) => `  ${line}`).join('\n')}
#if ${width === 4}
  y[to] = to_y4(${result});
#else
  y[to] = to_y(${result});
#endif
}
`;
}

/** `let i1 = at % EXTENT_1;` and so on, from the last axis to the first. */
function indices(last: number): string {
  let rest = 'at';
  const lines: string[] = [];
  for (let axis = last; axis > 0; axis--) {
    lines.push(`  let i${axis} = ${rest} % EXTENT_${axis};`);
    rest += ` / EXTENT_${axis}`;
  }
  return [...lines, `  let i0 = ${rest};`].join('\n');
}
