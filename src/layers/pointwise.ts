/**
 * One operator for all that computes each element of its output from one element of each input: an expression over
 * operands that are broadcast. What makes the expressions is in activations.ts and arithmetic.ts.
 */
import { type Expression, evaluator, isCall, operand } from '../../shaders/lib/expression.ts';
import {
  POINTWISE_THREADS,
  type PointwiseProblem,
  type PointwiseTensor,
  pointwiseCount,
  pointwiseDimensions,
  pointwise as shader,
} from '../../shaders/pointwise.wgsl.ts';
import { checkArgument, given, ownValue } from '../runtime/arguments.ts';
import { alignedTo, broadcastShape } from '../runtime/broadcast.ts';
import type { PointwiseAttributes } from '../runtime/builtins.ts';
import { DEFAULT_LIMITS, type DeviceProfile } from '../runtime/device_profile.ts';
import type { Activation, DataByRole, Node, OpDef, Value } from '../runtime/graph.ts';
import { checkLayer, type GraphBuilder } from '../runtime/graph_builder.ts';
import { type KernelDispatch, kernel, MOST_DIMENSIONS, type NoConfig } from '../runtime/kernel.ts';
import { candidatesOf, inputShape, requireData, shapeError } from '../runtime/operator.ts';
import { fuseEpilogue } from '../runtime/passes/fuse_epilogue.ts';
import { mergePointwise } from '../runtime/passes/merge_pointwise.ts';
import { mapBroadcast } from '../runtime/reference/map_broadcast.ts';
import {
  formatShape,
  type Shape,
  type TensorDesc,
  tensorDesc,
  viewOfDesc,
} from '../runtime/tensor.ts';
import { inOrder } from './bindings.ts';
import { dispatchOf } from './dispatch.ts';

/** Axes of the output at most. */
const MOST_AXES = 8;
/** Values at most: each is a buffer, as the output is, and WebGPU promises 8 of them. */
const MOST_VALUES = DEFAULT_LIMITS.maxStorageBuffersPerShaderStage - 1;

type Pointwise = Node<PointwiseAttributes>;

/** An operand of a builder: a value, or a number that is the same for all elements. */
export type OperandLike = Value | number;

/**
 * Adds an expression over values of the graph. `make` is given an operand for each of them, in their order; numbers
 * become constants.
 *
 * @param g - The builder; its path names the layer.
 * @param operands - Values, broadcast to one shape as NumPy does it, and numbers; one at least is a value.
 * @param make - Makes the expression, of `functions` by `apply`.
 * @returns Of the shape that the operands are broadcast to.
 * @throws ShapeError where the shapes do not go together.
 * @throws TilewiseError for values of another builder, and for arguments of another type.
 *
 * @example
 * const gate = g.input('gate', [1, 64, 1, 1]);
 * const scaled = pointwise(g.at('scaled'), [x, gate], (x, gate) =>
 *   apply(functions.mul, x, apply(functions.sigmoid, gate)),
 * );
 */
export function pointwise(
  g: GraphBuilder,
  operands: readonly OperandLike[],
  make: (...operands: (Expression | number)[]) => Expression,
): Activation {
  checkLayer(g, pointwiseOp, {});
  checkArgument(Array.isArray(operands), 'pointwise: operands', 'an array', operands);
  const inputs: Record<string, Value> = {};
  const roles = new Map<Value, string>();
  const made = operands.map((value) => {
    if (typeof value === 'number') return value;
    const role = roles.get(value) ?? `x${roles.size}`;
    roles.set(value, role);
    inputs[role] = value;
    return operand(role);
  });
  const expression = typeof make === 'function' ? make(...made) : undefined;
  checkArgument(expression?.steps, 'pointwise: make', 'a function of Expressions', make);
  return g.add(pointwiseOp, { expression }, inputs);
}

function outputShape({ inputs }: Pick<Pointwise, 'inputs'>): Shape | undefined {
  return Object.values(inputs)
    .map(({ desc }) => desc.shape)
    .reduce<Shape | undefined>((shape, next) => shape && broadcastShape(shape, next), []);
}

function problemOf(node: Pointwise): PointwiseProblem {
  const { inputs, output, attributes } = node;
  const { shape } = output.desc;
  const along = (desc: TensorDesc): PointwiseTensor => {
    const { offset, strides } = viewOfDesc(desc);
    const extents = alignedTo(desc.shape, shape.length);
    const aligned = [...Array<number>(shape.length - strides.length).fill(0), ...strides];
    return {
      type: desc.dtype,
      offset,
      strides: aligned.map((stride, axis) =>
        extents[axis] === 1 && shape[axis] !== 1 ? 0 : stride,
      ),
    };
  };
  const operands = Object.entries(inputs).map(([role, { desc }]) => [role, along(desc)] as const);
  return merged({
    expression: attributes.expression,
    extents: shape,
    operands: new Map(operands),
    y: along(output.desc),
  });
}

/** Axes along which all tensors go on as along the one before are one; those of extent 1 are left out. */
function merged({ expression, extents, operands, y }: PointwiseProblem): PointwiseProblem {
  const tensors = [...operands.values(), y];
  const kept: { extent: number; strides: number[] }[] = [];
  extents.forEach((extent, axis) => {
    if (extent === 1) return;
    const strides = tensors.map((tensor) => tensor.strides[axis] ?? 0);
    const last = kept.at(-1);
    if (last?.strides.every((stride, i) => stride === (strides[i] ?? 0) * extent)) {
      kept[kept.length - 1] = { extent: last.extent * extent, strides };
    } else kept.push({ extent, strides });
  });
  if (kept.length === 0) kept.push({ extent: 1, strides: tensors.map(() => 1) });
  const along = (tensor: PointwiseTensor, i: number): PointwiseTensor => ({
    ...tensor,
    strides: kept.map(({ strides }) => strides[i] ?? 0),
  });
  return {
    expression,
    extents: kept.map(({ extent }) => extent),
    operands: new Map([...operands].map(([role, tensor], i) => [role, along(tensor, i)])),
    y: along(y, operands.size),
  };
}

/** Operands of which every element is read once, by the invocation that writes over it. */
function overwrites({ operands, y }: PointwiseProblem): readonly string[] {
  const alike = ({ type, offset, strides }: PointwiseTensor): boolean =>
    type === y.type && offset === y.offset && strides.join() === y.strides.join();
  return [...operands].flatMap(([role, operand]) => (alike(operand) ? [role] : []));
}

/** The dispatch of a problem, which binds its operands under their names. */
export function pointwiseDispatch(
  problem: PointwiseProblem,
  device: DeviceProfile,
  overwritten?: string,
): KernelDispatch {
  const tiles = Math.ceil(pointwiseCount(problem) / POINTWISE_THREADS);
  const roles = [...problem.operands.keys()].map((role) => (role === overwritten ? null : role));
  return dispatchOf(device, tiles, inOrder(roles, 'y'), (grid) => {
    // Maps of all sizes share a pipeline.
    const bound = pointwiseDimensions(problem, grid, true);
    const fits = (bound.words?.length ?? 0) <= MOST_DIMENSIONS;
    const sizes = fits ? bound : pointwiseDimensions(problem, grid, false);
    return { source: shader(problem, sizes, overwritten), words: sizes.words };
  });
}

const pointwiseKernel = kernel<PointwiseProblem, NoConfig, string>({
  name: 'pointwise',
  configs: () => [{}],
  overwrites,
  lower: (problem, _config, device, overwritten) => ({
    dispatches: [pointwiseDispatch(problem, device, overwritten)],
  }),
});

export function pointwiseReference(node: Pointwise, inputs: DataByRole): Float64Array {
  const roles = Object.keys(node.inputs);
  const operands = roles.map((role) => ({
    data: requireData(node, inputs, role),
    shape: inputShape(node, role),
  }));
  return mapBroadcast(
    operands,
    node.output.desc.shape,
    evaluator(node.attributes.expression, roles),
  );
}

export const pointwiseOp: OpDef<PointwiseAttributes> = {
  name: 'pointwise',
  inferShape(call) {
    const shape = outputShape(call);
    const shapes = Object.values(call.inputs).map(({ desc }) => formatShape(desc.shape));
    if (shapes.length === 0) throw shapeError(call, 'expects at least one value, got numbers only');
    if (shapes.length > MOST_VALUES) {
      throw shapeError(
        call,
        `expects at most ${MOST_VALUES} values, got ${shapes.length}; compute some in another node`,
      );
    }
    const faults = call.attributes.expression.steps.flatMap((step, i): readonly unknown[] => {
      if (isCall(step)) return step.args.every((arg) => arg < i) ? [] : [step.fn.name];
      if (step.fn === 'operand') return ownValue(call.inputs, step.name) ? [] : [step.name];
      return Number.isFinite(step.value) ? [] : [step.value];
    });
    if (faults.length > 0) {
      throw shapeError(
        call,
        `expects finite constants and values that it is given, got ${faults.map(given)}`,
      );
    }
    if (!shape || shape.length > MOST_AXES) {
      throw shapeError(
        call,
        `expects shapes of at most ${MOST_AXES} axes that agree or are 1 along each, got ${shapes.join(' and ')}`,
      );
    }
    return { ...tensorDesc(shape), dtype: call.attributes.dtype ?? 'f32' };
  },
  // Something that is not an image, and not repeated for all, tells the images of a batch apart.
  mixesBatch: ({ inputs, output }) =>
    Object.values(inputs).some(({ kind, desc: { shape } }) => {
      const { shape: whole } = output.desc;
      const [batch = 1] = whole;
      const eachImage = shape.length === whole.length && shape[0] === batch;
      return batch > 1 && eachImage !== (kind === 'activation' || kind === 'input');
    }),
  views: 'any',
  passes: { 'merge pointwise': mergePointwise, 'fuse epilogue': fuseEpilogue },
  candidates: candidatesOf(problemOf, [pointwiseKernel]),
};
