/** What operators have in common: how they read their inputs, how they fail, how their kernels are found. */
import type { Epilogue } from '../../shaders/lib/epilogue.ts';
import type { DeviceProfile } from './device_profile.ts';
import { ShapeError } from './errors.ts';
import type { DataByRole, Node, OpCall, Value } from './graph.ts';
import type { Candidate, Kernel } from './kernel.ts';
import {
  type DType,
  formatShape,
  type Shape,
  shapesEqual,
  type TensorDesc,
  tensorDesc,
} from './tensor.ts';

/**
 * The `candidates` of an operator: makes a node's problem once, and hands it to all kernels. `views` of a node's
 * tensors and its epilogue are in the problem.
 */
export function candidatesOf<A extends object, R extends string, P>(
  problemOf: (node: Node<A, R>, epilogue: Epilogue | undefined) => P,
  kernels: readonly Kernel<P>[],
): (node: Node<A, R>, device: DeviceProfile) => readonly Candidate[] {
  return (node, device) => {
    const problem = problemOf(node, node.epilogue && node.epilogueOf?.(node.epilogue, node));
    return kernels.flatMap((kernel) => kernel(problem, device));
  };
}

/** What messages name: a node, or a builder of several. */
export interface Named {
  /** Its operator. */
  readonly op: {
    /** By which messages call it. */
    readonly name: string;
  };
  /** Its path. */
  readonly name: string;
}

/** `conv2d "layer1.0.conv2"`: how messages name a node. */
export function describe(node: Named): string {
  return `${node.op.name} "${node.name}"`;
}

/** A ShapeError that names the node. */
export function shapeError(call: Named, message: string): ShapeError {
  return new ShapeError(`${describe(call)}: ${message}`);
}

/** The descriptor of a node's output, as its operator says, which may be the caller's: f32 where it leaves that out. */
export function outputDesc(call: OpCall): TensorDesc {
  const desc = call.op.inferShape(call);
  return { ...tensorDesc(desc?.shape, `the output of ${describe(call)}`), ...desc };
}

/** An input that the operator cannot do without. Throws ShapeError when it is missing. */
export function requireInput<R extends string>(call: OpCall<object, R>, role: R): Value {
  const value = call.inputs[role];
  if (!value) throw new ShapeError(`${describe(call)}: input "${role}" is missing`);
  return value;
}

/** The descriptor of a required input. */
export function inputDesc<R extends string>(call: OpCall<object, R>, role: R): TensorDesc {
  return requireInput(call, role).desc;
}

/** The shape of a required input. */
export function inputShape<R extends string>(call: OpCall<object, R>, role: R): Shape {
  return requireInput(call, role).desc.shape;
}

/** Throws ShapeError where an input is there, and not of this shape. */
export function checkShape<R extends string>(
  call: OpCall<object, R>,
  role: R,
  expected: Shape,
): void {
  const got = call.inputs[role]?.desc.shape;
  if (!got || shapesEqual(got, expected)) return;
  throw shapeError(call, `expects ${role} ${formatShape(expected)}, got ${formatShape(got)}`);
}

/** How a node's output, and what it reads in these roles, are stored. */
export function elementTypesOf<R extends string, Role extends R>(
  node: Node<object, R>,
  ...roles: readonly Role[]
): Readonly<Record<Role | 'y', DType>> {
  const entries = roles.map((role) => [role, inputDesc(node, role).dtype] as const);
  const read = Object.fromEntries(entries) as Readonly<Record<Role, DType>>;
  return { ...read, y: node.output.desc.dtype } as Readonly<Record<Role | 'y', DType>>;
}

/** The data of a required input, for reference implementations. */
export function requireData<R extends string>(
  node: Node<object, R>,
  inputs: DataByRole,
  role: R,
): Float64Array {
  const data = inputs[role];
  if (!data) throw new ShapeError(`${describe(node)}: data of input "${role}" is missing`);
  return data;
}

/** An element, for reference implementations: an index out of range fails in place of reading nothing. */
export function at(data: Float64Array, index: number): number {
  const value = data[index];
  if (value === undefined) throw new RangeError(`index ${index} of ${data.length} elements`);
  return value;
}

/** Multiply-adds of one run of a node, as the field counts them. */
export function multiplyAddsOf(node: Node): number {
  return node.op.multiplyAdds?.(node) ?? 0;
}
