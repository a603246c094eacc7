/**
 * What the runtime asks all the time, and the public API too: there the arguments are checked first, since they may be
 * anything; within, they need not be.
 */
import * as expressions from '../shaders/lib/expression.ts';
import * as texts from '../shaders/lib/expression_text.ts';
import * as builtins from './runtime/builtins.ts';
import * as profiles from './runtime/device_profile.ts';
import * as devices from './runtime/gpu/device.ts';
import * as stopwatch from './runtime/gpu/stopwatch.ts';
import * as graphs from './runtime/graph.ts';
import * as isolated from './runtime/isolate.ts';
import { type ArgumentName, checkKinds } from './runtime/kinds.ts';
import * as movements from './runtime/movement/index.ts';
import * as operators from './runtime/operator.ts';
import * as precisions from './runtime/plan/precision.ts';
import * as tensors from './runtime/tensor.ts';

/** A function whose arguments, of these names, are checked before it is called. */
function checked<F extends (...values: never[]) => unknown>(
  work: F,
  who: string,
  ...names: readonly ArgumentName[]
): F {
  const call = (...values: never[]): unknown => {
    checkKinds(who, Object.fromEntries(names.map((name, i) => [name, values[i]])));
    return work(...values);
  };
  return call as F;
}

/**
 * Calls a function. What only constants go into is evaluated, where that gives a finite number; x + 0, x - 0, x * 1
 * and x / 1 are x, and a selection by a constant is what that selects.
 *
 * @example
 * const silu = pointwise(g, [x], (x) => apply(functions.mul, x, apply(functions.sigmoid, x)));
 */
export const apply = /* @__PURE__ */ checked(expressions.apply, 'apply', 'fn');

/**
 * The expression for people, `max(value + residual, 0)`. What is used twice is said once, before:
 * `t0 = x + y; t0 * sigmoid(t0)`.
 */
export const describeExpression = /* @__PURE__ */ checked(
  texts.describeExpression,
  'describeExpression',
  'expression',
);

/** Steps that move data, for people. */
export const describeMovement = /* @__PURE__ */ checked(
  movements.describeMovement,
  'describeMovement',
  'steps',
);

/** The size of the elements in memory, in bytes, with what lies between them. */
export const byteLength = /* @__PURE__ */ checked(tensors.byteLength, 'byteLength', 'desc');

/** The number of elements; 1 for the empty shape. */
export const elementCount = /* @__PURE__ */ checked(tensors.elementCount, 'elementCount', 'shape');

export const isConstant = /* @__PURE__ */ checked(graphs.isConstant, 'isConstant', 'value');

export const isPointwise = /* @__PURE__ */ checked(builtins.isPointwise, 'isPointwise', 'node');

export const isRearrange = /* @__PURE__ */ checked(builtins.isRearrange, 'isRearrange', 'node');

/** Every weight that some node reads, directly or through a derived weight, once each, in order of use. */
export const weightsOf = /* @__PURE__ */ checked(graphs.weightsOf, 'weightsOf', 'graph');

/** Multiply-adds of one run of a node, as the field counts them. */
export const multiplyAdds = /* @__PURE__ */ checked(
  operators.multiplyAddsOf,
  'multiplyAdds',
  'node',
);

/**
 * What two nodes have in common when the same kernels compute them, equally fast: all but names and data. The order
 * in which attributes and inputs were written does not count.
 */
export const shapeKey = /* @__PURE__ */ checked(isolated.shapeKey, 'shapeKey', 'node');

/**
 * The `candidates` of an operator: makes a node's problem once, and hands it to all kernels. `views` of a node's
 * tensors and its epilogue are in the problem.
 */
export const candidatesOf = /* @__PURE__ */ checked(
  operators.candidatesOf,
  'candidatesOf',
  'problemOf',
  'kernels',
);

/** Software adapters execute on the CPU and want other kernels than GPUs. */
export const kindOf = /* @__PURE__ */ checked(profiles.kindOf, 'kindOf', 'deviceProfile');

/** Throws UnsupportedError, which names the missing feature, where the device cannot store tensors so. */
export const checkPrecision = /* @__PURE__ */ checked(
  precisions.checkPrecision,
  'checkPrecision',
  'precision',
  'deviceProfile',
);

/** The clock that a device has: timestamp queries where they are supported. */
export const clockOf = /* @__PURE__ */ checked(stopwatch.clockOf, 'clockOf', 'device');

/** What to ask an adapter for: the features and limits that kernels use, where it has them. */
export const deviceDescriptor = /* @__PURE__ */ checked(
  devices.deviceDescriptor,
  'deviceDescriptor',
  'adapter',
);
