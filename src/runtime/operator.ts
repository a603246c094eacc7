/**
 * What an operator and a kernel are to the runtime. Operators live in src/layers; the runtime gets
 * them as a table and knows none by name, but for the passes that rewrite particular ones.
 */
import { ShapeError } from './errors.ts';
import type { Node, Value } from './graph.ts';
import type { DType, Shape, TensorDesc } from './tensor.ts';

/** A node before its output's shape is known. */
export type OpCall<A extends object> = Omit<Node<A>, 'output'>;

/** What an operator can do to its own output before it is stored; set by the fusing pass. */
export interface Epilogue {
  readonly activation?: 'relu';
}

/** Here and not in its layer, since a pass folds batch norms into the layers before them. */
export interface BatchNormAttributes extends Epilogue {
  readonly epsilon: number;
}

/** Here and not in its layer, since a pass puts conversions at a network's edges. */
export interface ConvertAttributes {
  readonly dtype: DType;
}

/** One operator: its rules, its meaning, and its kernels. */
export interface OpDef<A extends object = object> {
  readonly name: string;
  /** The output's descriptor. Throws ShapeError when the inputs or attributes do not fit. */
  inferShape(call: OpCall<A>): TensorDesc;
  /** The operator in f64 on row-major data: the oracle that kernels are checked against. */
  reference(node: Node<A>, inputs: Readonly<Record<string, Float64Array>>): Float64Array;
  /** Multiply-adds of one run, as the field counts them: of convolutions and linear layers only. */
  multiplyAdds(node: Node<A>): number;
  /** Whether images of a batch influence one another, so that the batch cannot be cut; no by default. */
  mixesBatch?(node: Node<A>): boolean;
  /** Whether what it reads stays f32 whatever the precision: figures to be shown, not to compute on with. */
  readonly readsF32?: boolean;
  /** Whether the output is the input's memory under another shape, so that nothing needs to run. */
  readonly isView?: boolean;
  /** Whether the kernels see the output as so many elements, so that a view of it can be written instead. */
  readonly writesAnyShape?: boolean;
  /** Which inputs may be channel-major, and whether the output may; none by default. Kernels for GPUs need not. */
  readonly channelMajor?: { readonly reads: readonly string[]; readonly writes: boolean };
  /** What the kernels can fuse: a residual input added to the output, an activation behind it. */
  readonly fuses?: readonly ('residual' | 'relu')[];
  /** In order of preference, but for what they say of the device. Empty for views. */
  readonly kernels: readonly KernelDef<A>[];
}

/** Operators by name. */
export type OpTable = ReadonlyMap<string, OpDef>;

/** Looks an operator up. Throws ShapeError with the known names. */
export function operatorOf(table: OpTable, node: Node): OpDef {
  const op = table.get(node.op);
  if (!op) {
    throw new ShapeError(
      `${describe(node)}: unknown operator; known are ${[...table.keys()].join(', ')}`,
    );
  }
  return op;
}

/** What a plan needs to know of a device: plain data, so that planning needs no GPU. */
export interface DeviceProfile {
  /** Software adapters execute on the CPU and want other kernels than GPUs. */
  readonly kind: 'cpu' | 'gpu';
  /** Its name, as drivers give it: `SwiftShader driver 5.0.0 (google, swiftshader)`. */
  readonly adapter: string;
  /** The width of a subgroup, where subgroups exist and have one width only. */
  readonly subgroupSize: number | undefined;
  /** Whether kernels may use f16: the feature shader-f16. */
  readonly shaderF16: boolean;
  readonly limits: DeviceLimits;
}

export interface DeviceLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeWorkgroupsPerDimension: number;
}

/** One way to compute an operator. `C` is what can be tuned about it. */
export interface KernelDef<A extends object = object, C extends object = object> {
  readonly name: string;
  /** The kind of device it is written for, if not for any; on the other it is a last resort. */
  readonly prefers?: DeviceProfile['kind'];
  /** Whether this kernel can compute the node on such a device. */
  supports(node: Node<A>, device: DeviceProfile): boolean;
  /** Configurations worth trying, the best guess first. */
  configs(node: Node<A>, device: DeviceProfile): readonly C[];
  /**
   * How long a configuration would take, in a unit that all kernels of the operator share. Where kernels that
   * suit the device equally say so, the least is taken, else the first.
   */
  cost?(node: Node<A>, config: C, device: DeviceProfile): number;
  /**
   * Roles of the inputs whose memory may take the output, element for element, the best first: those of the
   * output's size, each element of which is read only by the invocation that writes it. None by default.
   */
  overwrites?(node: Node<A>): readonly string[];
  /**
   * The dispatches that compute the node. Where the plan has it write over an input, `overwritten` is its role:
   * that memory is bound once, as `y`.
   */
  lower(node: Node<A>, config: C, device: DeviceProfile, overwritten?: string): Lowering;
}

/** A node turned into dispatches, which run in order. */
export interface Lowering {
  readonly dispatches: readonly KernelDispatch[];
  /** How constants are rearranged at load time into the order in which the kernel reads them, by role. */
  readonly repack?: Readonly<Record<string, Repack>>;
  /** Memory that the dispatches pass on to one another, in bytes; bindings refer to it by these names. */
  readonly scratch?: Readonly<Record<string, number>>;
}

export interface Repack {
  /** Names the arrangement with all its parameters; the same constant in the same arrangement is stored once. */
  readonly arrangement: string;
  /** Elements after rearranging. */
  readonly length: number;
  pack(data: Float32Array): Float32Array;
}

export interface KernelDispatch {
  /** The whole WGSL module; its entry point is `main`. */
  readonly source: string;
  readonly bindings: readonly Binding[];
  readonly workgroups: Workgroups;
  /**
   * Sizes that the module does not compile in but reads from a uniform buffer, so that layers of other sizes
   * share its pipeline: at most MOST_DIMENSIONS words, written once.
   */
  readonly dimensions?: { readonly slot: number; readonly words: readonly number[] } | undefined;
}

/** Words of a dispatch's dimensions: the offset of a uniform binding is a multiple of 256 bytes. */
export const MOST_DIMENSIONS = 64;

export type Workgroups = readonly [number, number, number];

/** Which of the node's values is bound where: an input's role, `y` for the output, or a name of its scratch. */
export interface Binding {
  readonly slot: number;
  readonly value: string;
  readonly access: 'read' | 'read_write';
}

/** `conv2d "layer1.0.conv2"`: how messages name a node. */
export function describe(node: { readonly op: string; readonly name: string }): string {
  return `${node.op} "${node.name}"`;
}

/** `lanes 8, pixels 4`: a configuration of a kernel, for people. */
export function describeConfig(config: object): string {
  return Object.entries(config)
    .map(([name, value]: [string, unknown]) =>
      // The configuration of the GEMM inside an algorithm reads as part of it.
      isConfig(value) ? describeConfig(value) : `${name} ${String(value)}`,
    )
    .join(', ');
}

function isConfig(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A ShapeError that names the node. */
export function shapeError(call: OpCall<object>, message: string): ShapeError {
  return new ShapeError(`${describe(call)}: ${message}`);
}

/** An input that the operator cannot do without. Throws ShapeError when it is missing. */
export function requireInput(call: OpCall<object>, role: string): Value {
  const value = call.inputs[role];
  if (!value) throw shapeError(call, `input "${role}" is missing`);
  return value;
}

/** The shape of a required input. */
export function inputShape(call: OpCall<object>, role: string): Shape {
  return requireInput(call, role).desc.shape;
}

/** The data of a required input, for reference implementations. */
export function requireData(
  node: Node,
  inputs: Readonly<Record<string, Float64Array>>,
  role: string,
): Float64Array {
  const data = inputs[role];
  if (!data) throw shapeError(node, `data of input "${role}" is missing`);
  return data;
}
