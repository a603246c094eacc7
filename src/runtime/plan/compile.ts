/** Graph -> ExecutionPlan: everything the GPU will be asked for, decided before anything is allocated. */

import { type DeviceProfile, largestBuffer } from '../device_profile.ts';
import { present, UnsupportedError } from '../errors.ts';
import { type Constant, type Graph, isConstant, type Node, type Value } from '../graph.ts';
import {
  type Candidate,
  type KernelDispatch,
  type Lowering,
  MOST_DIMENSIONS,
  type Repack,
  type Workgroups,
} from '../kernel.ts';
import { describe, multiplyAddsOf } from '../operator.ts';
import { sum } from '../sum.ts';
import { bufferBytes, byteLength, elementCount, type TensorDesc } from '../tensor.ts';
import { type MemoryPlan, planMemory } from './memory_plan.ts';
import { overwrittenInputs } from './overwriting.ts';
import { type KernelPreference, selectKernels } from './select_kernels.ts';
import { liveness } from './storage.ts';
import type { Tuning } from './tuning.ts';

/**
 * A buffer of the plan: of the weights, of the memory that activations share, or a slot of the one buffer
 * that holds the dimensions of all dispatches.
 */
export interface BufferRef {
  /** Which list of buffers it is in. */
  readonly pool: 'weight' | 'activation' | 'dimensions';
  /** Its place there. */
  readonly index: number;
}

/** A constant on the device. */
export interface PlannedWeight {
  /** The value of the graph. */
  readonly constant: Constant;
  /** Of its buffer. */
  readonly bytes: number;
  /** How it is rearranged; as it is where there is none. */
  readonly repack: Repack | undefined;
}

/** A dispatch, with the buffers that it binds. */
export interface PlannedDispatch {
  /** What it computes, or a part of it. */
  readonly node: Node;
  /** Its name. */
  readonly kernel: string;
  /** Its configuration. */
  readonly config: object;
  /** The whole WGSL module. */
  readonly source: string;
  /** Along each axis. */
  readonly workgroups: Workgroups;
  /** Multiply-adds and elements written: for comparison with other dispatches of the plan. */
  readonly cost: number;
  /** The dispatch, among those of its node, by roles in place of buffers. */
  readonly lowered: KernelDispatch;
  /** All that its node takes. */
  readonly lowering: Lowering;
  /** The input whose memory takes the output. */
  readonly overwritten: string | undefined;
  /** Of group 0. */
  readonly bindings: readonly {
    /** Its number in the shader. */
    readonly slot: number;
    /** What is bound. */
    readonly buffer: BufferRef;
    /** What the shader does with it. */
    readonly access: 'read' | 'read_write' | 'uniform';
  }[];
}

/** A tensor that the caller writes or reads. */
export interface PlannedTensor {
  /** Of the input or output. */
  readonly name: string;
  /** Its shape and type, and its place in the buffer. */
  readonly desc: TensorDesc;
  /** Where it lies. */
  readonly buffer: BufferRef;
}

/** Bytes on the device. */
export interface MemoryUse {
  /** Constants, as kernels read them. */
  readonly weights: number;
  /** Inputs, results of layers, and the scratch of kernels that take several dispatches. */
  readonly activations: number;
  /** Sizes that kernels read instead of having them compiled in. */
  readonly dimensions: number;
  /** At most: buffers through which outputs travel back, and through which arrays of more than 4 MiB come as inputs. */
  readonly staging: number;
  /** All of it. */
  readonly total: number;
}

/** Buffers with sizes, and dispatches with sources and bindings: plain data, made without a GPU. */
export interface ExecutionPlan {
  /** What it computes, after all stages. */
  readonly graph: Graph;
  /** A buffer each. */
  readonly weights: readonly PlannedWeight[];
  /** The buffers of all else. */
  readonly activations: MemoryPlan;
  /** MOST_DIMENSIONS words for each dispatch that reads its dimensions. */
  readonly dimensions: Uint32Array<ArrayBuffer>;
  /** In order. */
  readonly dispatches: readonly PlannedDispatch[];
  /** In the graph's order. */
  readonly inputs: readonly PlannedTensor[];
  /** In the graph's order. */
  readonly outputs: readonly PlannedTensor[];
  /** Bytes that a session of it allocates. */
  readonly memory: MemoryUse;
}

export interface CompileOptions {
  readonly device: DeviceProfile;
  readonly kernels?: KernelPreference | undefined;
  /** What was fastest on this device when it was timed. */
  readonly tuning?: Tuning | undefined;
  /** Bytes that the plan may take on the device. */
  readonly maxMemory?: number | undefined;
}

/** Runs in flight at once; each has staging buffers of its own. */
export const RUNS_IN_FLIGHT = 2;

/**
 * Bytes of an input that `writeBuffer` brings to the device as fast as copying goes. For more at a time Dawn makes a
 * staging buffer anew, whose fresh pages take several times as long: docs/decisions/0093.
 */
export const MOST_WRITTEN = 4_194_304;

/**
 * Plans a graph as it stands: chooses kernels, and assigns memory. Throws UnsupportedError where a tensor is larger
 * than the device allows.
 */
export function compile(graph: Graph, options: CompileOptions): ExecutionPlan {
  const { device, kernels: preference, tuning } = options;
  const choices = selectKernels(graph.nodes, device, { preference, tuning });
  const overwritten = overwrittenInputs(graph, (node) => choices.get(node)?.overwrites ?? []);
  const lowered = new Map(
    [...choices].map(([node, choice]) => [node, lowerNode(node, choice, overwritten.get(node))]),
  );
  const loweringOf = (node: Node) => lowered.get(node)?.lowering;
  const storage = liveness(graph, loweringOf, overwritten);
  const activations = planMemory(storage.storages);
  const activation = (value: Value): BufferRef =>
    activationRef(activations, storage.indexOf.get(value), value.name);
  const weights = new WeightTable();
  const dimensions = new DimensionTable();
  const dispatches = [...lowered].flatMap(([node, { kernel, config, cost, lowering }]) => {
    const scratch = storage.scratchOf.get(node);
    const place = (role: string): BufferRef => {
      if (scratch?.has(role)) return activationRef(activations, scratch.get(role), role);
      const input = role === 'y' ? node.output : node.inputs[role];
      const value = present(input, `"${role}" for ${kernel} of ${describe(node)}`);
      return isConstant(value) ? weights.place(value, lowering.repack?.[role]) : activation(value);
    };
    const origin = { node, kernel, config, cost, lowering, overwritten: overwritten.get(node) };
    return lowering.dispatches.map((lowered) =>
      planDispatch({ ...origin, lowered }, place, dimensions),
    );
  });
  const tensor = (name: string, value: Value): PlannedTensor => ({
    name,
    desc: value.desc,
    buffer: activation(value),
  });
  const plan = {
    graph,
    weights: weights.all,
    activations,
    dimensions: Uint32Array.from(dimensions.words),
    dispatches,
    inputs: graph.inputs.map((input) => tensor(input.name, input)),
    outputs: [...graph.outputs].map(([name, value]) => tensor(name, value)),
  };
  checkLimits(plan, device);
  const memory = memoryUse(plan);
  checkMemory(graph, memory, options.maxMemory);
  return { ...plan, memory };
}

interface LoweredNode {
  readonly kernel: string;
  readonly config: object;
  /** Of each of its dispatches. */
  readonly cost: number;
  readonly lowering: Lowering;
}

function lowerNode(
  node: Node,
  { kernel, config, lower }: Candidate,
  overwritten: string | undefined,
): LoweredNode {
  const lowering = lower(overwritten);
  const work = multiplyAddsOf(node) + elementCount(node.output.desc.shape);
  return { kernel, config, cost: work / lowering.dispatches.length, lowering };
}

function activationRef(memory: MemoryPlan, storage: number | undefined, name: string): BufferRef {
  const index = present(memory.bufferOf[storage ?? -1], `"${name}"`);
  return { pool: 'activation', index };
}

function planDispatch(
  origin: Omit<PlannedDispatch, 'source' | 'workgroups' | 'bindings'>,
  place: (role: string) => BufferRef,
  table: DimensionTable,
): PlannedDispatch {
  const { source, workgroups, bindings, dimensions } = origin.lowered;
  const bound: PlannedDispatch['bindings'][number][] = bindings.map(({ slot, value, access }) => ({
    slot,
    buffer: place(value),
    access,
  }));
  checkHazards(origin.node, bound);
  if (dimensions) {
    const buffer = table.place(dimensions.words);
    bound.push({ slot: dimensions.slot, buffer, access: 'uniform' });
  }
  return { ...origin, source, workgroups, bindings: bound };
}

/** WebGPU refuses a dispatch that binds one buffer for reading and for writing; no stage may plan one. */
function checkHazards(node: Node, bound: PlannedDispatch['bindings']): void {
  const written = bound.filter(({ access }) => access === 'read_write');
  for (const { buffer, slot } of written) {
    const again = bound.some(
      (other) =>
        other.slot !== slot &&
        other.buffer.pool === buffer.pool &&
        other.buffer.index === buffer.index,
    );
    if (again) throw new Error(`${describe(node)}: reads what it writes`);
  }
}

/** The dimensions that dispatches read, each set once. */
class DimensionTable {
  readonly words: number[] = [];
  readonly #slots = new Map<string, number>();

  place(words: readonly number[]): BufferRef {
    if (words.length > MOST_DIMENSIONS) {
      throw new Error(`${words.length} dimensions, at most ${MOST_DIMENSIONS} fit`);
    }
    const key = words.join();
    const index = this.#slots.get(key) ?? this.words.length / MOST_DIMENSIONS;
    if (!this.#slots.has(key)) {
      this.#slots.set(key, index);
      this.words.push(...words, ...Array<number>(MOST_DIMENSIONS - words.length).fill(0));
    }
    return { pool: 'dimensions', index };
  }
}

/** What tells a plan's weights apart. Passes may have made the same one of a constant for several nodes. */
export function weightKey({
  constant,
  repack,
}: Pick<PlannedWeight, 'constant' | 'repack'>): string {
  // A derived constant may be called as a weight of the model is.
  return JSON.stringify([constant.kind, constant.name, repack?.arrangement]);
}

/** Each constant once for each arrangement that some kernel reads it in. */
class WeightTable {
  readonly all: PlannedWeight[] = [];
  readonly #indices = new Map<string, number>();

  place(constant: Constant, repack: Repack | undefined): BufferRef {
    const key = weightKey({ constant, repack });
    const index = this.#indices.get(key) ?? this.#add(constant, repack);
    this.#indices.set(key, index);
    return { pool: 'weight', index };
  }

  #add(constant: Constant, repack: Repack | undefined): number {
    const elements = repack?.length ?? elementCount(constant.desc.shape);
    const bytes = bufferBytes(elements, constant.desc.dtype);
    return this.all.push({ constant, bytes, repack }) - 1;
  }
}

function checkLimits(
  plan: Pick<ExecutionPlan, 'graph' | 'weights' | 'activations' | 'dispatches'>,
  device: DeviceProfile,
): void {
  const limit = largestBuffer(device);
  const check = (what: string, bytes: number): void => {
    if (bytes > limit) {
      throw new UnsupportedError(
        `${what} takes ${bytes} bytes, a buffer of this device holds at most ${limit}; use a smaller batch, image or model`,
      );
    }
  };
  for (const { constant, bytes } of plan.weights) check(`weight "${constant.name}"`, bytes);
  for (const input of plan.graph.inputs) check(`input "${input.name}"`, byteLength(input.desc));
  for (const node of plan.graph.nodes) {
    check(`the output of ${describe(node)}`, byteLength(node.output.desc));
  }
  for (const { name, bytes } of plan.activations.storages) check(`"${name}"`, bytes);
  const most = device.limits.maxStorageBuffersPerShaderStage;
  for (const { node, kernel, bindings } of plan.dispatches) {
    const bound = bindings.filter(({ access }) => access !== 'uniform').length;
    if (bound > most) {
      throw new UnsupportedError(
        `${describe(node)}: ${kernel} binds ${bound} buffers, this device allows ${most}; use fewer values`,
      );
    }
  }
}

function checkMemory(graph: Graph, memory: MemoryUse, allowed = Number.POSITIVE_INFINITY): void {
  if (memory.total <= allowed) return;
  const [batch = 1] = graph.inputs[0]?.desc.shape ?? [];
  const perImage = (memory.activations + memory.staging) / batch;
  const fixed = memory.weights + memory.dimensions;
  const fits = Math.floor((allowed - fixed) / perImage);
  const remedy =
    fits >= 1
      ? `a batch of ${fits} should fit`
      : `even one image takes ${Math.ceil(fixed + perImage)}`;
  throw new UnsupportedError(
    `"${graph.name}" takes ${memory.total} bytes on the device (weights ${memory.weights}, activations ${memory.activations}, staging ${memory.staging}), maxMemory allows ${allowed}; ${remedy}`,
  );
}

function memoryUse(
  plan: Pick<ExecutionPlan, 'weights' | 'activations' | 'dimensions' | 'inputs' | 'outputs'>,
): MemoryUse {
  const weights = sum(plan.weights.map(({ bytes }) => bytes));
  const activations = plan.activations.bytes;
  const dimensions = plan.dimensions.byteLength;
  const bytesOf = ({ desc }: PlannedTensor): number => byteLength(desc);
  const large = plan.inputs.map(bytesOf).filter((bytes) => bytes > MOST_WRITTEN);
  const staging = RUNS_IN_FLIGHT * (sum(large) + sum(plan.outputs.map(bytesOf)));
  const total = weights + activations + dimensions + staging;
  return { weights, activations, dimensions, staging, total };
}
