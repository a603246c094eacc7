/** load -> compile -> run -> dispose */
import { ShapeError, TilewiseError } from './errors.ts';
import type { Device } from './gpu/device.ts';
import { Executor, type InputData } from './gpu/executor.ts';
import { type Graph, weightsOf } from './graph.ts';
import type { OpTable } from './operator.ts';
import { optimize } from './passes/index.ts';
import { compile, type ExecutionPlan, type MemoryUse, type PlannedTensor } from './plan/compile.ts';
import type { KernelPreference } from './plan/select_kernels.ts';
import { elementCount, formatShape, type Shape, shapesEqual } from './tensor.ts';
import { checkWeights } from './weights/check_weights.ts';
import { ConstantReader } from './weights/constant_reader.ts';
import type { WeightSource } from './weights/weight_source.ts';

/** How far creating a session has come: kernels compiled, weights uploaded. */
export interface SessionProgress {
  readonly stage: 'compile' | 'upload';
  readonly done: number;
  readonly total: number;
}

export interface SessionOptions {
  readonly weights: WeightSource;
  /** The operators that the graph may use. */
  readonly operators: OpTable;
  readonly onProgress?: (progress: SessionProgress) => void;
  /** Hears of weights that are not finite. Silent by default. */
  readonly onWarning?: (message: string) => void;
  /** Prefers kernels by name; for tests and benchmarks. */
  readonly kernels?: KernelPreference;
  /** Whether to rewrite the graph into fewer nodes first; true by default, false to debug layer by layer. */
  readonly optimize?: boolean;
}

/** Inputs of one run: the only input, or all by name. Data is row-major, of exactly the input's length. */
export type RunInputs = InputData | Readonly<Record<string, InputData>>;

/** Outputs of one run by name, row-major. */
export type RunOutputs = Readonly<Record<string, Float32Array>>;

export interface RunOptions {
  /** Arrays to fill in place of new ones, by output name, each of exactly the output's length. */
  readonly into?: RunOutputs;
  /** Hears how long the host was busy with this run, in milliseconds: writing, recording, copying out. */
  readonly onHostTime?: (ms: number) => void;
}

/** A named tensor at the edge of a session. */
export interface Port {
  readonly name: string;
  readonly shape: Shape;
}

/** A model on a device, ready to run. It owns GPU memory: dispose of it, or declare it with `using`. */
export class Session {
  /** What will run, and what it takes. */
  readonly plan: ExecutionPlan;
  readonly device: Device;
  readonly #executor: Executor;
  #disposed = false;

  private constructor(device: Device, plan: ExecutionPlan, executor: Executor) {
    this.device = device;
    this.plan = plan;
    this.#executor = executor;
  }

  /**
   * Checks the weights, optimises and plans the graph, compiles its kernels and uploads its weights.
   * Throws WeightError when weights are missing, extra or misshapen; UnsupportedError when the device is
   * too small; ShaderError, GpuError or DeviceLostError when the GPU fails.
   */
  static async create(device: Device, graph: Graph, options: SessionOptions): Promise<Session> {
    const { operators, weights, onProgress } = options;
    checkWeights(weightsOf(graph), weights);
    const optimized = (options.optimize ?? true) ? optimize(graph, operators) : graph;
    const plan = compile(optimized, {
      operators,
      device: device.profile,
      kernels: options.kernels,
    });
    const reader = new ConstantReader(weights, options.onWarning ?? (() => {}));
    const executor = await Executor.create(device, plan, {
      weightData(index) {
        const weight = plan.weights[index];
        if (!weight) throw new RangeError(`the plan has no weight ${index}`);
        const data = reader.read(weight.constant);
        return weight.repack ? weight.repack.pack(data) : data;
      },
      onProgress: onProgress && ((stage, done, total) => onProgress({ stage, done, total })),
    });
    return new Session(device, plan, executor);
  }

  get inputs(): readonly Port[] {
    return this.plan.inputs.map(({ name, desc }) => ({ name, shape: desc.shape }));
  }

  get outputs(): readonly Port[] {
    return this.plan.outputs.map(({ name, desc }) => ({ name, shape: desc.shape }));
  }

  /** Bytes that this session holds on the device. */
  get memory(): MemoryUse {
    return this.plan.memory;
  }

  /**
   * Runs the model once. Calls may overlap: they run in order, and the next is prepared while the one
   * before computes. Throws ShapeError for data of the wrong length, before anything is submitted.
   */
  async run(inputs: RunInputs, options: RunOptions = {}): Promise<RunOutputs> {
    if (this.#disposed) {
      throw new TilewiseError(`session "${this.plan.graph.name}" was disposed; create a new one`);
    }
    const data = this.plan.inputs.map((input) => this.#inputData(input, inputs));
    const outputs = this.plan.outputs.map((output) => this.#outputArray(output, options.into));
    await this.#executor.run(data, outputs, options.onHostTime);
    return Object.fromEntries(
      this.plan.outputs.map(({ name }, i) => [name, outputs[i] ?? new Float32Array()]),
    );
  }

  /** Frees the session's GPU memory; the device stays. Twice is harmless. */
  dispose(): void {
    this.#disposed = true;
    this.#executor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #inputData(input: PlannedTensor, inputs: RunInputs): InputData {
    const data = isInputData(inputs) ? inputs : inputs[input.name];
    if (!data || (isInputData(inputs) && this.plan.inputs.length > 1)) {
      const names = this.plan.inputs.map(({ name }) => name).join(', ');
      throw new ShapeError(`session "${this.plan.graph.name}" needs inputs ${names}`);
    }
    if (data instanceof Float32Array) this.#checkLength('input', input, data);
    else this.#checkShape(input, data.shape);
    return data;
  }

  #outputArray(output: PlannedTensor, into: RunOutputs | undefined): Float32Array {
    const given = into?.[output.name];
    if (!given) return new Float32Array(elementCount(output.desc.shape));
    this.#checkLength('output', output, given);
    return given;
  }

  #checkShape({ name, desc }: PlannedTensor, shape: Shape): void {
    if (!shapesEqual(shape, desc.shape)) {
      throw new ShapeError(
        `input "${name}" of "${this.plan.graph.name}" is ${formatShape(desc.shape)}, what would be written is ${formatShape(shape)}`,
      );
    }
  }

  #checkLength(kind: string, { name, desc }: PlannedTensor, data: Float32Array): void {
    const expected = elementCount(desc.shape);
    if (data.length !== expected) {
      throw new ShapeError(
        `${kind} "${name}" of "${this.plan.graph.name}" holds ${expected} values ${formatShape(desc.shape)}, got ${data.length}`,
      );
    }
  }
}

function isInputData(inputs: RunInputs): inputs is InputData {
  return inputs instanceof Float32Array || 'encode' in inputs;
}
