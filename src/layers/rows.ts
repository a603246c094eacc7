/** Kernels that reduce rows of a tensor: how a node's rows lie, and how many invocations share one. */

import { type Epilogue, operandBindings } from '../../shaders/lib/epilogue.ts';
import { parameterWords } from '../../shaders/lib/epilogue_at.ts';
import type { Grid } from '../../shaders/lib/grid.ts';
import { type RowProblem, type Rows, type RowsConfig, rowTiles } from '../../shaders/lib/rows.ts';
import { type DeviceProfile, kindOf } from '../runtime/device_profile.ts';
import type { Node, OpCall } from '../runtime/graph.ts';
import { type Binding, type Kernel, type KernelDispatch, kernel } from '../runtime/kernel.ts';
import { elementTypesOf, inputShape, type Named, shapeError } from '../runtime/operator.ts';
import {
  elementCount,
  formatShape,
  type Shape,
  type TensorDesc,
  tensorDesc,
} from '../runtime/tensor.ts';
import { inOrder } from './bindings.ts';
import { dispatchOf } from './dispatch.ts';

/** Of a node that works on the rows of `x` along the axes [from, to). */
export function rowProblemOf<A extends object, R extends string>(
  node: Node<A, R | 'x'>,
  epilogue: Epilogue | undefined,
  from: number,
  to: number = from + 1,
): RowProblem {
  const shape = inputShape(node, 'x');
  return {
    outer: elementCount(shape.slice(0, from)),
    length: elementCount(shape.slice(from, to)),
    inner: elementCount(shape.slice(to)),
    shape: node.output.desc.shape,
    types: elementTypesOf(node, 'x'),
    epilogue,
  };
}

/** Throws ShapeError unless [from, to) are axes of the shape, so many at least. */
export function checkAxes(
  call: Named,
  shape: Shape,
  from: number,
  to: number,
  least: number,
): void {
  const whole = Number.isInteger(from) && Number.isInteger(to);
  if (whole && from >= 0 && to - from >= least && to <= shape.length) return;
  throw shapeError(call, `axes ${from} to ${to} are not axes of ${formatShape(shape)}`);
}

/** Where a row begins, among the elements. */
export function firstOfRow({ length, inner }: Rows, row: number): number {
  return Math.floor(row / inner) * length * inner + (row % inner);
}

/** The extent of an axis. Throws ShapeError where there is none. */
export function extentOf(call: Named, shape: Shape, axis: number): number {
  const extent = shape[axis];
  if (extent !== undefined) return extent;
  throw shapeError(call, `axis ${axis} is not an axis of ${formatShape(shape)}`);
}

/** As many as are read, along an axis. Throws ShapeError where that is none. */
export function shapeAlong(call: OpCall<{ readonly axis: number }, 'x'>): TensorDesc {
  const shape = inputShape(call, 'x');
  extentOf(call, shape, call.attributes.axis);
  return tensorDesc(shape);
}

/** The text of a kernel of rows. */
export type RowSource<P extends RowProblem> = (
  problem: P,
  config: RowsConfig,
  grid: Grid,
) => string;

/** A kernel of one dispatch that reads `x` and writes `y`. */
export function rowKernel<P extends RowProblem>(name: string, source: RowSource<P>): Kernel<P> {
  return kernel<P, RowsConfig, string>({
    name,
    configs: (problem, device) => [rowsConfig(problem, device)],
    lower: (problem, config, device) => ({
      dispatches: [rowDispatch(problem, config, device, source)],
    }),
  });
}

/** One dispatch over rows. Algorithms of several bind more than `x` and `y`, or other values in their place. */
export function rowDispatch<P extends RowProblem>(
  problem: P,
  config: RowsConfig,
  device: DeviceProfile,
  source: RowSource<P>,
  bindings: readonly Binding[] = inOrder(['x'], 'y'),
): KernelDispatch {
  const { epilogue } = problem;
  return dispatchOf(device, rowTiles(problem, config), bindings, (grid) => ({
    source: source(problem, config, grid),
    words: parameterWords(epilogue),
    operands: operandBindings(epilogue),
  }));
}

/** Rows that keep a GPU busy, and elements that one workgroup reads sooner than a second dispatch begins. */
const [MANY_ROWS, FEW_ELEMENTS] = [64, 2 ** 14];

/** How rows are cut. */
export interface PartsConfig {
  /** Of one length, so many to a row. */
  readonly parts: number;
}

/**
 * Cuts few long rows, which else few workgroups would read: into `wanted` parts, or no fewer than a quarter. There is
 * no such configuration of other rows, and of lengths that no such number divides.
 */
export function partsConfigs(
  { outer, length, inner }: Rows,
  wanted: number,
): readonly PartsConfig[] {
  if (outer * inner >= MANY_ROWS || length < FEW_ELEMENTS) return [];
  let parts = Math.floor(wanted);
  while (length % parts > 0) parts -= 1;
  return parts > 1 && parts >= wanted / 4 ? [{ parts }] : [];
}

/** Rows beside one another whose words are fetched at once. */
const NEIGHBOURS = 16;
/** Elements that a lane should have at least, or the tree costs more than they do. */
const LEAST = 4;

/**
 * CPU adapters run a subgroup as one vector and wait long at barriers: a row has one subgroup or one invocation. GPUs
 * have 64 invocations a workgroup, and 256 where few long rows would leave them idle.
 */
export function rowsConfig({ outer, length, inner }: Rows, device: DeviceProfile): RowsConfig {
  const rows = outer * inner;
  if (kindOf(device) === 'cpu') {
    const vector = device.subgroupSize ?? 4;
    const together = inner === 1 && length >= LEAST * vector;
    return together ? { threads: vector, lanes: vector } : { threads: 64, lanes: 1 };
  }
  const threads = rows < 1024 && length >= 2048 ? 256 : 64;
  const most = inner === 1 ? threads : threads / NEIGHBOURS;
  return { threads, lanes: Math.min(most, powerOfTwo(length / LEAST)) };
}

/** The largest that is not above `value`; 1 at least. */
function powerOfTwo(value: number): number {
  return 2 ** Math.max(0, Math.floor(Math.log2(value)));
}
