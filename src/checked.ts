/**
 * What the runtime asks all the time, and the public API too: there the arguments are checked first, since they may be
 * anything; within, they need not be.
 */
import type { Epilogue } from '../shaders/lib/epilogue.ts';
import * as expressions from '../shaders/lib/expression.ts';
import * as texts from '../shaders/lib/expression_text.ts';
import * as builtins from './runtime/builtins.ts';
import * as profiles from './runtime/device_profile.ts';
import * as devices from './runtime/gpu/device.ts';
import * as stopwatch from './runtime/gpu/stopwatch.ts';
import * as graphs from './runtime/graph.ts';
import * as isolated from './runtime/isolate.ts';
import type { Candidate, Kernel } from './runtime/kernel.ts';
import { checkKinds } from './runtime/kinds.ts';
import * as movements from './runtime/movement/index.ts';
import * as operators from './runtime/operator.ts';
import * as precisions from './runtime/plan/precision.ts';
import * as tensors from './runtime/tensor.ts';

/** A function whose arguments, of these names, are checked before it is called. */
function checked<F extends (...values: never[]) => unknown>(
  work: F,
  who: string,
  ...names: readonly string[]
): F {
  const call = (...values: never[]): unknown => {
    checkKinds(who, Object.fromEntries(names.map((name, i) => [name, values[i]])));
    return work(...values);
  };
  return call as F;
}

/**
 * Calls a function. What only constants go into is evaluated, where that gives a finite number; x + 0, x - 0, x * 1 and
 * x / 1 are x, and a selection by a constant is what that selects.
 *
 * @param fn - One of `functions`.
 * @param args - As many as the function takes, each an expression or a number.
 * @throws TilewiseError for what is none of `functions`.
 *
 * @example
 * const silu = pointwise(g.at('silu'), [x], (x) => apply(functions.mul, x, apply(functions.sigmoid, x)));
 */
export const apply: <F extends expressions.ExpressionFunction>(
  fn: F,
  ...args: expressions.Arguments<Parameters<F['evaluate']>>
) => expressions.Expression = /* @__PURE__ */ checked(expressions.apply, 'apply', 'fn');

/**
 * The expression for people, `max(value + residual, 0)`. What is used twice is said once, before: `t0 = x + y; t0 *
 * sigmoid(t0)`.
 *
 * @param expression - A node's epilogue, say, or what a pointwise node computes.
 * @throws TilewiseError for what is no expression.
 *
 * @example
 * for (const { name, epilogue } of session.plan.graph.nodes) {
 *   if (epilogue) console.log(name, describeExpression(epilogue)); // conv1 max(value, 0)
 * }
 */
export const describeExpression: (expression: expressions.Expression) => string =
  /* @__PURE__ */ checked(texts.describeExpression, 'describeExpression', 'expression');

/**
 * Steps that move data, for people.
 *
 * @param steps - Of a node that moves data.
 * @returns Such as `reshape [1, 64, 49], transpose [0, 2, 1]`.
 * @throws TilewiseError for what are no steps.
 *
 * @example
 * const node = g.nodeOf(transpose(g.at('nhwc'), x, [0, 2, 3, 1]));
 * if (node && isRearrange(node)) console.log(describeMovement(node.attributes.steps));
 */
export const describeMovement: (steps: readonly movements.Movement[]) => string =
  /* @__PURE__ */ checked(movements.describeMovement, 'describeMovement', 'steps');

/**
 * The size of the elements in memory, in bytes, with what lies between them.
 *
 * @param desc - Of a value.
 * @throws TilewiseError for what is no descriptor.
 *
 * @example
 * byteLength(x.desc); // 1 * 64 * 56 * 56 * 4
 */
export const byteLength: (desc: tensors.TensorDesc) => number = /* @__PURE__ */ checked(
  tensors.byteLength,
  'byteLength',
  'desc',
);

/**
 * The number of elements; 1 for the empty shape.
 *
 * @param shape - Extents.
 * @throws TilewiseError for what is no list of numbers.
 *
 * @example
 * elementCount([1, 64, 56, 56]); // 200704
 */
export const elementCount: (shape: tensors.Shape) => number = /* @__PURE__ */ checked(
  tensors.elementCount,
  'elementCount',
  'shape',
);

/**
 * Whether a value of a graph is a weight, or made of weights alone.
 *
 * @param value - Of a graph.
 * @throws TilewiseError for what is no value.
 *
 * @example
 * const weightsAndBiases = graph.nodes.map(({ inputs }) => Object.values(inputs).filter(isConstant));
 */
export const isConstant: (value: graphs.Value) => value is graphs.Constant =
  /* @__PURE__ */ checked(graphs.isConstant, 'isConstant', 'value');

/**
 * Whether a node computes an expression, which its attributes then have.
 *
 * @param node - Of a graph.
 * @throws TilewiseError for what is no node.
 *
 * @example
 * for (const node of graph.nodes) {
 *   if (isPointwise(node)) console.log(describeExpression(node.attributes.expression));
 * }
 */
export const isPointwise: (node: graphs.Node) => node is graphs.Node<builtins.PointwiseAttributes> =
  /* @__PURE__ */ checked(builtins.isPointwise, 'isPointwise', 'node');

/**
 * Whether a node moves data, by steps which its attributes then have.
 *
 * @param node - Of a graph.
 * @throws TilewiseError for what is no node.
 *
 * @example
 * const moving = graph.nodes.filter(isRearrange).map(({ name }) => name); // flatten
 */
export const isRearrange: (node: graphs.Node) => node is graphs.Node<builtins.RearrangeAttributes> =
  /* @__PURE__ */ checked(builtins.isRearrange, 'isRearrange', 'node');

/**
 * Every weight that some node reads, directly or through a derived weight, once each, in order of use.
 *
 * @param graph - Any.
 * @throws TilewiseError for what is no graph.
 *
 * @example
 * const parameters = weightsOf(graph).reduce((sum, { desc }) => sum + elementCount(desc.shape), 0);
 */
export const weightsOf: (graph: graphs.Graph) => readonly graphs.Weight[] = /* @__PURE__ */ checked(
  graphs.weightsOf,
  'weightsOf',
  'graph',
);

/**
 * Multiply-adds of one run of a node, as the field counts them: of convolutions and products only, and of every
 * convolution as if it were computed directly.
 *
 * @param node - Of a graph.
 * @throws TilewiseError for what is no node.
 *
 * @example
 * const gmacs = graph.nodes.reduce((sum, node) => sum + multiplyAdds(node), 0) / 1e9;
 */
export const multiplyAdds: (node: graphs.Node) => number = /* @__PURE__ */ checked(
  operators.multiplyAddsOf,
  'multiplyAdds',
  'node',
);

/**
 * What two nodes have in common when the same kernels compute them, equally fast: all but names and data. The order in
 * which attributes and inputs were written does not count.
 *
 * @param node - Of the graph of a plan.
 * @throws TilewiseError for what is no node.
 *
 * @example
 * const shapes = new Set(session.plan.graph.nodes.map(shapeKey)); // the layers of one shape share a winner
 */
export const shapeKey: (node: graphs.Node) => string = /* @__PURE__ */ checked(
  isolated.shapeKey,
  'shapeKey',
  'node',
);

/**
 * The `candidates` of an operator: makes a node's problem once, and hands it to all kernels. `views` of a node's
 * tensors and its epilogue are in the problem.
 *
 * @param problemOf - Makes what kernels need to know of a node, and of its epilogue, if it has one.
 * @param kernels - In order of preference.
 * @returns What `OpDef.candidates` is.
 * @throws TilewiseError for what are no functions.
 *
 * @example
 * const lower = (source: string) => ({
 *   dispatches: [{ source, bindings: [], workgroups: [1, 1, 1] }] as const,
 * });
 * const candidates = candidatesOf(
 *   (node) => `@compute @workgroup_size(1) fn main() {} // ${node.name}`,
 *   [kernel({ name: 'nothing', configs: () => [{}], lower })],
 * );
 */
export const candidatesOf: <A extends object, R extends string, P>(
  problemOf: (node: graphs.Node<A, R>, epilogue: Epilogue | undefined) => P,
  kernels: readonly Kernel<P>[],
) => (node: graphs.Node<A, R>, device: profiles.DeviceProfile) => readonly Candidate[] =
  /* @__PURE__ */ checked(operators.candidatesOf, 'candidatesOf', 'problemOf', 'kernels');

/**
 * Software adapters execute on the CPU and want other kernels than GPUs.
 *
 * @param deviceProfile - That of a device, or `ANY_GPU`.
 * @throws TilewiseError for what is no profile.
 *
 * @example
 * if (kindOf(device.profile) === 'cpu') console.warn(`${device.adapter.name} computes on the CPU`);
 */
export const kindOf: (
  deviceProfile: Pick<profiles.DeviceProfile, 'family'>,
) => profiles.DeviceKind = /* @__PURE__ */ checked(profiles.kindOf, 'kindOf', 'deviceProfile');

/**
 * Checks that a device can store tensors so.
 *
 * @param precision - What sessions are to have.
 * @param deviceProfile - That of the device.
 * @throws UnsupportedError, which names the missing feature, where the device cannot.
 * @throws TilewiseError for what is neither a precision nor a profile.
 *
 * @example
 * checkPrecision('f32', device.profile);
 */
export const checkPrecision: (
  precision: tensors.DType,
  deviceProfile: profiles.DeviceProfile,
) => void = /* @__PURE__ */ checked(
  precisions.checkPrecision,
  'checkPrecision',
  'precision',
  'deviceProfile',
);

/**
 * The clock that a device has: timestamp queries where they are supported.
 *
 * @param device - Open.
 * @returns `gpu`, or `host`: times round a submit, with its overhead.
 * @throws TilewiseError for what is no device.
 *
 * @example
 * console.log(clockOf(device));
 */
export const clockOf: (device: Pick<devices.Device, 'gpu'>) => stopwatch.Clock =
  /* @__PURE__ */ checked(stopwatch.clockOf, 'clockOf', 'device');

/**
 * What to ask an adapter for: the features and limits that kernels use, where it has them. An application that needs
 * more adds that.
 *
 * @param adapter - That which is asked.
 * @throws TilewiseError for what is no adapter.
 *
 * @example
 * const gpu = await adapter.requestDevice({ ...deviceDescriptor(adapter), label: 'mine' });
 */
export const deviceDescriptor: (adapter: GPUAdapter) => GPUDeviceDescriptor =
  /* @__PURE__ */ checked(devices.deviceDescriptor, 'deviceDescriptor', 'adapter');
