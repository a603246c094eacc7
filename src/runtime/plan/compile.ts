/** Graph -> ExecutionPlan: everything the GPU will be asked for, decided before anything is allocated. */
import { UnsupportedError } from '../errors.ts';
import { type Constant, type Graph, isConstant, type Node, type Value } from '../graph.ts';
import {
  type DeviceProfile,
  describe,
  type KernelDispatch,
  type OpTable,
  operatorOf,
  type Repack,
  type Workgroups,
} from '../operator.ts';
import { byteLength, elementCount, type TensorDesc } from '../tensor.ts';
import { largestBuffer } from './batch_parts.ts';
import { type MemoryPlan, planMemory } from './memory_plan.ts';
import { type KernelPreference, selectKernel } from './select_kernels.ts';
import { liveness, type StorageTable } from './storage.ts';

/** A buffer of the plan: of the weights, or of the memory that activations share. */
export interface BufferRef {
  readonly pool: 'weight' | 'activation';
  readonly index: number;
}

export interface PlannedWeight {
  readonly constant: Constant;
  readonly bytes: number;
  /** How it is rearranged; as it is where there is none. */
  readonly repack: Repack | undefined;
}

export interface PlannedDispatch {
  readonly node: Node;
  readonly kernel: string;
  readonly config: object;
  readonly source: string;
  readonly workgroups: Workgroups;
  /** Multiply-adds and elements written: for comparison with other dispatches of the plan. */
  readonly cost: number;
  readonly bindings: readonly {
    readonly slot: number;
    readonly buffer: BufferRef;
    readonly access: 'read' | 'read_write';
  }[];
}

/** A tensor that the caller writes or reads. */
export interface PlannedTensor {
  readonly name: string;
  readonly desc: TensorDesc;
  readonly buffer: BufferRef;
}

/** Bytes on the device. */
export interface MemoryUse {
  readonly weights: number;
  readonly activations: number;
  /** Buffers through which outputs travel back. */
  readonly staging: number;
  readonly total: number;
}

export interface ExecutionPlan {
  readonly graph: Graph;
  readonly weights: readonly PlannedWeight[];
  readonly activations: MemoryPlan;
  readonly dispatches: readonly PlannedDispatch[];
  readonly inputs: readonly PlannedTensor[];
  readonly outputs: readonly PlannedTensor[];
  readonly memory: MemoryUse;
}

export interface CompileOptions {
  readonly operators: OpTable;
  readonly device: DeviceProfile;
  readonly kernels?: KernelPreference | undefined;
  /** Bytes that the plan may take on the device. */
  readonly maxMemory?: number | undefined;
}

/** Runs in flight at once; each has a staging buffer of its own to be read back from. */
export const RUNS_IN_FLIGHT = 2;

/** Plans a graph for a device. Throws UnsupportedError where a tensor is larger than the device allows. */
export function compile(graph: Graph, options: CompileOptions): ExecutionPlan {
  const { operators, device } = options;
  const storage = liveness(graph, operators);
  const activations = planMemory(storage.storages);
  const weights = new WeightTable();
  const dispatches = graph.nodes.flatMap((node) => {
    const op = operatorOf(operators, node);
    if (op.isView) return [];
    const { kernel, config } = selectKernel(node, op, device, options.kernels);
    const { dispatches: lowered, repack } = kernel.lower(node, config, device);
    const place = (role: string): BufferRef => {
      const value = role === 'y' ? node.output : node.inputs[role];
      if (!value)
        throw new Error(`${describe(node)}: ${kernel.name} binds "${role}", which it lacks`);
      return isConstant(value)
        ? weights.place(value, repack?.[role])
        : activation(storage, activations, value);
    };
    const cost = (op.multiplyAdds(node) + elementCount(node.output.desc.shape)) / lowered.length;
    return lowered.map((dispatch) =>
      planDispatch({ node, kernel: kernel.name, config, cost }, dispatch, place),
    );
  });
  const tensor = (name: string, value: Value): PlannedTensor => ({
    name,
    desc: value.desc,
    buffer: activation(storage, activations, value),
  });
  const plan = {
    graph,
    weights: weights.all,
    activations,
    dispatches,
    inputs: graph.inputs.map((input) => tensor(input.name, input)),
    outputs: [...graph.outputs].map(([name, value]) => tensor(name, value)),
  };
  checkLimits(graph, plan.weights, device);
  const memory = memoryUse(plan.weights, activations, plan.outputs);
  checkMemory(graph, memory, options.maxMemory);
  return { ...plan, memory };
}

function activation(storage: StorageTable, memory: MemoryPlan, value: Value): BufferRef {
  const index = memory.bufferOf[storage.indexOf.get(value) ?? -1];
  if (index === undefined) throw new Error(`"${value.name}" is read before it is computed`);
  return { pool: 'activation', index };
}

function planDispatch(
  origin: Pick<PlannedDispatch, 'node' | 'kernel' | 'config' | 'cost'>,
  dispatch: KernelDispatch,
  place: (role: string) => BufferRef,
): PlannedDispatch {
  return {
    ...origin,
    source: dispatch.source,
    workgroups: dispatch.workgroups,
    bindings: dispatch.bindings.map(({ slot, value, access }) => ({
      slot,
      buffer: place(value),
      access,
    })),
  };
}

/** Each constant once for each arrangement that some kernel reads it in. */
class WeightTable {
  readonly all: PlannedWeight[] = [];
  readonly #indices = new Map<Constant, Map<string, number>>();

  place(constant: Constant, repack: Repack | undefined): BufferRef {
    const arrangements = this.#indices.get(constant) ?? new Map<string, number>();
    this.#indices.set(constant, arrangements);
    const key = repack?.arrangement ?? '';
    const index = arrangements.get(key) ?? this.#add(constant, repack);
    arrangements.set(key, index);
    return { pool: 'weight', index };
  }

  #add(constant: Constant, repack: Repack | undefined): number {
    const elements = repack?.length ?? elementCount(constant.desc.shape);
    const bytes = elements * Float32Array.BYTES_PER_ELEMENT;
    return this.all.push({ constant, bytes, repack }) - 1;
  }
}

function checkLimits(graph: Graph, weights: readonly PlannedWeight[], device: DeviceProfile): void {
  const limit = largestBuffer(device);
  const check = (what: string, bytes: number): void => {
    if (bytes > limit) {
      throw new UnsupportedError(
        `${what} takes ${bytes} bytes, a buffer of this device holds at most ${limit}; use a smaller batch or image`,
      );
    }
  };
  for (const weight of weights) check(`weight "${weight.constant.name}"`, weight.bytes);
  for (const input of graph.inputs) check(`input "${input.name}"`, byteLength(input.desc));
  for (const node of graph.nodes) {
    check(`the output of ${describe(node)}`, byteLength(node.output.desc));
  }
}

function checkMemory(graph: Graph, memory: MemoryUse, allowed = Number.POSITIVE_INFINITY): void {
  if (memory.total <= allowed) return;
  const [batch = 1] = graph.inputs[0]?.desc.shape ?? [];
  const perImage = (memory.activations + memory.staging) / batch;
  const fits = Math.floor((allowed - memory.weights) / perImage);
  const remedy =
    fits >= 1
      ? `a batch of ${fits} would fit`
      : `even one image takes ${Math.ceil(memory.weights + perImage)}`;
  throw new UnsupportedError(
    `"${graph.name}" takes ${memory.total} bytes on the device (weights ${memory.weights}, activations ${memory.activations}), maxMemory allows ${allowed}; ${remedy}`,
  );
}

function memoryUse(
  weights: readonly PlannedWeight[],
  activations: MemoryPlan,
  outputs: readonly PlannedTensor[],
): MemoryUse {
  const weightBytes = weights.reduce((sum, weight) => sum + weight.bytes, 0);
  const outputBytes = outputs.reduce((sum, output) => sum + byteLength(output.desc), 0);
  const staging = RUNS_IN_FLIGHT * outputBytes;
  return {
    weights: weightBytes,
    activations: activations.bytes,
    staging,
    total: weightBytes + activations.bytes + staging,
  };
}
