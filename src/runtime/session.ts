/** load -> compile -> run -> dispose */

import {
  checkArgument,
  checkOption,
  checkOptions,
  checkValues,
  checkWork,
  given,
  isObject,
  ownValue,
} from './arguments.ts';
import { ShapeError, TilewiseError, UnsupportedError } from './errors.ts';
import type { Device, Opening } from './gpu/device.ts';
import {
  compileKernels,
  Executor,
  type InputData,
  type InputWriter,
  type RunControl,
} from './gpu/executor.ts';
import type { Pipeline } from './gpu/pipeline_cache.ts';
import { WeightBuffers } from './gpu/weight_buffers.ts';
import type { Graph } from './graph.ts';
import type { ExecutionPlan, MemoryUse, PlannedTensor, PlannedWeight } from './plan/compile.ts';
import { type Prepared, type PrepareOptions, prepare } from './prepare.ts';
import { type NewShapes, reshape, shapesOf } from './reshape.ts';
import { sum } from './sum.ts';
import { type DType, elementCount, type Shape, shapesEqual } from './tensor.ts';
import { untilAborted } from './until_aborted.ts';
import { checkWeights, overflowWarning } from './weights/check_weights.ts';
import { ConstantReader } from './weights/constant_reader.ts';
import type { WeightSource } from './weights/weight_source.ts';

/** How far creating a session has come: shapes of layers tuned, if it tunes, kernels compiled, weights uploaded. */
export interface SessionProgress {
  /** What is being done. */
  readonly stage: 'tune' | 'compile' | 'upload';
  /** Shapes of layers timed, kernels compiled, or weights uploaded so far. */
  readonly done: number;
  /** How many there are. */
  readonly total: number;
  /** Milliseconds that the stage may still take, where that can be told. */
  readonly remainingMs?: number;
}

/** The weights, and how a graph is planned and run. */
export interface SessionOptions extends Omit<PrepareOptions, 'device'> {
  /** Of a file, or `syntheticWeights`. */
  readonly weights: WeightSource;
  /** Hears how far making the session is. */
  readonly onProgress?: (progress: SessionProgress) => void;
  /**
   * How weights and activations are stored on the device; `f32` by default. `f16` takes half the memory: each
   * value is rounded once, when it is stored, to 11 bits, and sums are f32 still. Inputs and outputs are f32
   * arrays either way. Values beyond 65504, the largest f16, are stored as that; `verify` finds layers where this
   * happens. Throws UnsupportedError for `f16` on an adapter without the feature shader-f16.
   */
  readonly precision?: DType | undefined;
  /**
   * Hears of weights that are not finite or beyond the range of `precision`, and of a batch that must be cut.
   * Silent by default.
   */
  readonly onWarning?: (message: string) => void;
  /** Stops creating the session; what was allocated is freed. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds that one submit should take at most: a run is cut into as many as that needs, so that the
   * system's watchdog stays calm and a page can draw in between. Unlimited by default.
   */
  readonly submitBudgetMs?: number;
}

/**
 * Inputs of one run: the only input, or all by name. Data is row-major, of exactly the input's length. It is
 * read when the run is submitted, which may be after runs before it: leave it alone until the run is done.
 */
export type RunInputs = InputData | Readonly<Record<string, InputData>>;

/** Outputs of one run by name, row-major. */
export type RunOutputs = Readonly<Record<string, Float32Array>>;

export interface RunOptions extends RunControl {
  /** Names of the outputs to read back; all by default. What is left out costs no transfer. */
  readonly outputs?: readonly string[];
  /** Arrays to fill in place of new ones, by output name, each of exactly the output's length. */
  readonly into?: RunOutputs;
}

/** How `resize` is stopped. */
export interface SessionResizeOptions {
  /** Stops it: it is rejected with the signal's reason at once, and the session stays as it was. */
  readonly signal?: AbortSignal | undefined;
}

/** What options must be, where they are given: callers need not have a compiler that checks them. */
const TYPES = {
  denseOutputs: 'boolean',
  kernels: 'function',
  maxMemory: 'number',
  observed: 'boolean',
  onProgress: 'function',
  onWarning: 'function',
  optimize: 'boolean',
  submitBudgetMs: 'number',
  tuning: 'object',
} as const;

/** A named tensor at the edge of a session. */
export interface Port {
  /** Of the input or output. */
  readonly name: string;
  /** Row-major data has as many values. */
  readonly shape: Shape;
}

/** What a session runs on: made for one plan, on one opening of the device. */
export interface Running extends Prepared {
  /** Its buffers and kernels. */
  readonly executor: Executor;
  /** Settles when nothing uses its buffers any more. */
  idle: Promise<void>;
}

/**
 * A model on a device, ready to run. It owns GPU memory: dispose of it, or declare it with `using`; after that,
 * everything but `dispose` throws TilewiseError. When the device is lost, what is in flight is rejected with
 * DeviceLostError, and the next call builds everything anew from the weight source, which the session keeps.
 *
 * @example
 * using network = await createSession(device, graph, { weights });
 * const { logits } = await network.run(pixels);
 */
export class Session {
  /** That which it runs on. */
  readonly device: Device;
  readonly #options: SessionOptions;
  readonly #reader: ConstantReader;
  #graph: Graph;
  readonly #weights: WeightBuffers;
  readonly #life = new AbortController();
  #running: Running;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(device: Device, graph: Graph, options: SessionOptions, built: Built) {
    this.device = device;
    this.#graph = graph;
    this.#options = options;
    this.#reader = built.reader;
    this.#weights = built.weights;
    this.#running = built.running;
  }

  /**
   * Checks the weights, optimises and plans the graph, compiles its kernels and uploads its weights. What was allocated
   * is then freed.
   *
   * @param device - Open.
   * @param graph - Any.
   * @param options - As for `createSession`, and the operators that passes put into graphs.
   * @throws WeightError when weights are missing, extra or misshapen.
   * @throws UnsupportedError when the device is too small, lacks what `precision` needs, or `maxMemory` is too small.
   * @throws ShaderError, GpuError or DeviceLostError when the GPU fails.
   * @throws The signal's reason when it is aborted. What was allocated is freed in every case.
   *
   * @example
   * using network = await createSession(device, graph, { weights }); // Session.create, with the library's operators
   */
  static async create(device: Device, graph: Graph, options: SessionOptions): Promise<Session> {
    checkArgument(device?.use, 'createSession: device', 'a Device', device);
    checkArgument(graph?.nodes, 'createSession: graph', 'a Graph', graph);
    checkWeights(graph, options?.weights);
    checkSignal(options.signal);
    for (const [name, type] of Object.entries(TYPES)) {
      const value: unknown = options[name as keyof typeof TYPES];
      const number = type === 'number';
      const fits = value == null || (typeof value === type && (!number || Number(value) > 0));
      const expected = number ? 'a positive number' : `of type ${type}`;
      checkArgument(fits, `createSession: options.${name}`, expected, value);
    }
    const reader = new ConstantReader(options.weights, options.onWarning ?? (() => {}));
    const weights = new WeightBuffers();
    let running: Running | undefined;
    try {
      running = await device.use((opening) => build(opening, graph, options, reader, weights));
      // Where it was disposed of meanwhile, this says so: there is nothing to run on.
      if (device.lost) await device.restore();
      // An abort after this is none of the session's business: it must still resize and rebuild.
      const { signal: _creation, ...kept } = options;
      return new Session(device, graph, kept, { reader, weights, running });
    } catch (error) {
      running?.executor.dispose();
      weights.dispose();
      throw error;
    }
  }

  /** What runs, what it takes, and what became of the model on the way. */
  get prepared(): Running {
    this.#checkUsable();
    return this.#running;
  }

  /** What it runs, as plain data. */
  get plan(): ExecutionPlan {
    return this.prepared.plan;
  }

  /** What `run` takes. */
  get inputs(): readonly Port[] {
    return this.plan.inputs.map((input) => portOf(input, this.#running.parts));
  }

  /** What `run` gives. */
  get outputs(): readonly Port[] {
    return this.plan.outputs.map((output) => portOf(output, this.#running.parts));
  }

  /** Bytes that this session holds on the device, at most: staging for inputs is made when arrays are given. */
  get memory(): MemoryUse {
    return this.plan.memory;
  }

  /**
   * Submits that the next run takes: as many as `submitBudgetMs` asks for, by how long the last one took. Where one
   * would do, a model of 20 dispatches and more still takes several, so that the GPU begins before all is recorded; but
   * one, where another run is under way, or with `onGpuTime`.
   */
  get submits(): number {
    this.#checkUsable();
    return this.#running.executor.submits;
  }

  /**
   * Runs the model once. Calls may overlap: they run in order, and the next is prepared while the one before computes.
   *
   * @param inputs - The only input, or all by name.
   * @param options - Which outputs are read back, and into what; who hears what the run takes; a signal that stops it.
   * @throws ShapeError for data of the wrong length and for unknown outputs, before anything is submitted.
   * @throws GpuError or DeviceLostError when the GPU fails.
   * @throws TilewiseError after `dispose`.
   * @throws The signal's reason when it is aborted: inputs are not read then any more, arrays not filled (but for the
   *   parts of a cut batch that are done), and the session is as usable as before.
   *
   * @example
   * const { logits } = await session.run(pixels, { signal: AbortSignal.timeout(10_000) });
   */
  run(inputs: RunInputs, options: RunOptions = {}): Promise<RunOutputs> {
    const work = async (running: Running): Promise<RunOutputs> => {
      checkOptions('run', options);
      const data = inputDataOf(this.#graph.name, this.inputs, inputs);
      const wanted = this.#wantedOutputs(options);
      const outputs = this.outputs.map((output) =>
        wanted.has(output.name) ? this.#outputArray(output, options.into) : undefined,
      );
      const named = this.outputs.flatMap(({ name }, i): [string, Float32Array][] =>
        outputs[i] ? [[name, outputs[i]]] : [],
      );
      await runParts(running, data, outputs, options);
      return Object.fromEntries(named);
    };
    return this.use(work, undefined, options?.signal);
  }

  /**
   * Plans the model anew for other input shapes, `{ input: [8, 3, 160, 160] }`, or for another batch and size of
   * images, `{ batch: 8, size: 160 }`, and keeps the weights that are on the device, but for those that other kernels
   * read in another arrangement. Calls of before are done first, those of after find the new shapes.
   *
   * @param to - Shapes by the names of inputs, or batch and size.
   * @param options - A signal that stops it.
   * @throws ShapeError when the model cannot take the shapes; the session then stays as it was.
   * @throws UnsupportedError where the device is too small for them.
   * @throws The signal's reason when it is aborted; the session then stays as it was.
   *
   * @example
   * await session.resize({ batch: 2 });
   */
  async resize(to: NewShapes, options: SessionResizeOptions = {}): Promise<void> {
    checkOptions('resize', options);
    const change = (graph: Graph): Graph => reshape(graph, shapesOf(graph, to));
    return this.use(async () => {}, change, options.signal);
  }

  /**
   * Does work with what runs, in the order of the calls; all that touches the GPU goes through here. What runs is built
   * anew first where the device was opened anew, or for the graph that `change` makes, and is not freed before the work
   * is done. Work that waits for another call of the session waits for ever. When the signal is aborted, the call is
   * rejected with its reason at once, and work that has not begun never does; other work has to hear of it by itself.
   *
   * @param work - Is given what runs.
   * @param change - Makes the graph that is to run from now on.
   * @param signal - Stops it.
   * @throws GpuError or DeviceLostError when the GPU fails.
   * @throws TilewiseError after `dispose`.
   *
   * @example
   * const passes = await session.use(async ({ plan }) => plan.dispatches.length);
   */
  async use<T>(
    work: (running: Running) => Promise<T>,
    change?: (graph: Graph) => Graph,
    signal?: AbortSignal,
  ): Promise<T> {
    checkWork(work, change ?? work);
    checkSignal(signal);
    let changed: Graph | undefined;
    const make = change && ((graph: Graph): Graph => (changed = change(graph)));
    try {
      this.#checkUsable();
      const begun = this.device.use(async (opening) => {
        const turn = this.#turn.then(async () => {
          signal?.throwIfAborted();
          await this.#renew(opening, make, signal);
          const running = this.#running;
          const result = work(running);
          running.idle = Promise.allSettled([running.idle, result]).then(() => {});
          return { result };
        });
        this.#turn = turn.catch(() => {});
        return (await turn).result;
      });
      // Whoever hears that a change was aborted must not find it made.
      return await untilAborted(begun, signal, () => this.#graph === changed);
    } catch (error) {
      this.#checkUsable();
      throw error;
    }
  }

  /**
   * Frees the session's GPU memory; the device stays. Twice is harmless; what is in flight is rejected.
   *
   * @example
   * const network = await createSession(device, graph, { weights });
   * network.dispose(); // or: using network = ...
   */
  dispose(): void {
    this.#life.abort();
    this.#running.executor.dispose();
    this.#weights.dispose();
  }

  /** What `using` calls: `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkUsable(): void {
    if (!this.#life.signal.aborted) return;
    throw new TilewiseError(`session "${this.#graph.name}" was disposed; create a new one`);
  }

  /** Builds anew what runs, where it was made on another opening, or there is a change. */
  async #renew(
    opening: Opening,
    change: ((graph: Graph) => Graph) | undefined,
    cancel: AbortSignal | undefined,
  ): Promise<void> {
    this.#checkUsable();
    const old = this.#running;
    if (!change && old.executor.opening === opening) return;
    const graph = change ? change(this.#graph) : this.#graph;
    const { signal: life } = this.#life;
    const signal = cancel ? AbortSignal.any([life, cancel]) : life;
    const options = { ...this.#options, signal };
    let unused: Executor | undefined;
    try {
      const built = await build(opening, graph, options, this.#reader, this.#weights);
      unused = built.executor;
      await untilAborted(old.idle, signal);
      signal.throwIfAborted();
      this.#running = built;
      this.#graph = graph;
      unused = old.executor;
    } finally {
      unused?.dispose();
      this.#weights.keepOnly(this.#running.plan.weights);
      // It may have been disposed of meanwhile.
      if (life.aborted) this.dispose();
    }
    this.#checkUsable();
  }

  #wantedOutputs({ outputs, into }: RunOptions): ReadonlySet<string> {
    checkArgument(
      outputs == null || Array.isArray(outputs),
      'run: outputs',
      'an array of names',
      outputs,
    );
    const named = isObject(into) && !(Symbol.iterator in Object(into));
    checkArgument(into == null || named, 'run: into', 'arrays by name', into);
    const known = this.outputs.map(({ name }) => name);
    const wanted = new Set(outputs ?? known);
    const unknown = [...wanted, ...Object.keys({ ...into })].find((name) => !known.includes(name));
    if (wanted.size === 0 || unknown !== undefined) {
      throw new ShapeError(
        `session "${this.#graph.name}" has the outputs ${known.join(', ')}; asked for were ${unknown ?? 'none'}`,
      );
    }
    return wanted;
  }

  #outputArray(output: Port, into: RunOutputs | undefined): Float32Array {
    const array = ownValue(into, output.name);
    if (array === undefined) return new Float32Array(elementCount(output.shape));
    const who = `output "${output.name}" of "${this.#graph.name}"`;
    checkValues(ShapeError, who, output.shape, array);
    return array;
  }
}

function checkSignal(signal: AbortSignal | undefined): void {
  checkOption('session: signal', signal, 'throwIfAborted', 'an AbortSignal');
}

/** What is given for each input. Throws ShapeError for what is not of its shape. */
export function inputDataOf(
  graph: string,
  ports: readonly Port[],
  inputs: RunInputs,
): readonly InputData[] {
  return ports.map((port) => {
    const alone = ports.length === 1 && isInputData(inputs);
    const data: unknown = alone ? inputs : ownValue(inputs as Record<string, InputData>, port.name);
    if (isWriter(data) && shapesEqual(data.shape, port.shape)) return data;
    // What was given in its place, where there is no other input.
    const got = data === undefined && ports.length === 1 ? inputs : data;
    checkValues(ShapeError, `input "${port.name}" of "${graph}"`, port.shape, got);
    // WebGPU in Node ends the process over memory that is shared.
    return given(got.buffer) === 'SharedArrayBuffer' ? got.slice() : got;
  });
}

/** A tensor at the edge of a plan, of which several runs make one of the session. */
function portOf({ name, desc: { shape } }: PlannedTensor, parts: number): Port {
  const [batch = 1, ...rest] = shape;
  return { name, shape: parts === 1 ? shape : [batch * parts, ...rest] };
}

interface Built {
  readonly reader: ConstantReader;
  readonly weights: WeightBuffers;
  readonly running: Running;
}

/** Everything between a graph and its first run. */
async function build(
  opening: Opening,
  graph: Graph,
  options: SessionOptions,
  reader: ConstantReader,
  weights: WeightBuffers,
): Promise<Running> {
  const prepared = prepare(graph, { ...options, device: opening.profile });
  const { plan, parts } = prepared;
  if (parts > 1) warnOfParts(graph, parts, options.onWarning);
  const read = (weight: PlannedWeight): Float32Array =>
    readWeight(weight, reader, options.onWarning);
  const [pipelines, buffers] = await compileAndLoad(opening, plan, weights, read, options);
  const { submitBudgetMs } = options;
  const executor = await Executor.create(opening, plan, buffers, pipelines, submitBudgetMs);
  return { ...prepared, executor, idle: Promise.resolve() };
}

/**
 * Compiles kernels and loads weights at the same time. When one of both fails, the other is stopped, and has ended when
 * this is rejected. Uploads are told of after the kernels, so that a line of progress does not jump.
 */
async function compileAndLoad(
  opening: Opening,
  plan: ExecutionPlan,
  weights: WeightBuffers,
  read: (weight: PlannedWeight) => Float32Array,
  { signal, onProgress }: SessionOptions,
): Promise<readonly [readonly Pipeline[], readonly GPUBuffer[]]> {
  const report = (stage: SessionProgress['stage']) => (done: number, total: number) =>
    onProgress?.({ stage, done, total });
  const failed = new AbortController();
  const stop = AbortSignal.any([failed.signal, ...(signal ? [signal] : [])]);
  let untold: (readonly [done: number, total: number])[] | undefined = [];
  const compile = async (): Promise<readonly Pipeline[]> => {
    const control = { signal: stop, onProgress: report('compile') };
    const pipelines = await compileKernels(opening, plan, control);
    for (const upTo of untold ?? []) {
      stop.throwIfAborted();
      report('upload')(...upTo);
    }
    untold = undefined;
    return pipelines;
  };
  const works = [
    compile(),
    weights.load(opening, plan.weights, {
      read,
      signal: stop,
      onProgress: (...upTo) => (untold ? untold.push(upTo) : report('upload')(...upTo)),
    }),
  ] as const;
  for (const work of works) work.catch((error: unknown) => failed.abort(error));
  await Promise.allSettled(works);
  return Promise.all(works);
}

/** One run of the plan, or one for each part of the batch, on views of the same arrays. */
async function runParts(
  { executor, parts }: Running,
  inputs: readonly InputData[],
  outputs: readonly (Float32Array | undefined)[],
  { onHostTime, onGpuTime, signal }: RunControl,
): Promise<void> {
  const hostTimes: number[] = [];
  const gpuTimes: number[] = [];
  await eachPart(parts, (part) =>
    executor.run(
      inputs.map((data) => partOf(data, part, parts)),
      outputs.map((data) => data && partOf(data, part, parts)),
      {
        onHostTime: (ms) => hostTimes.push(ms),
        onGpuTime: onGpuTime && ((ms) => gpuTimes.push(ms)),
        signal,
      },
    ),
  );
  onHostTime?.(sum(hostTimes));
  if (gpuTimes.length > 0) onGpuTime?.(sum(gpuTimes));
}

/** Work for each part of a batch, begun in their order; when it fails, no other part goes on. */
export async function eachPart(
  parts: number,
  work: (part: number) => Promise<unknown>,
): Promise<void> {
  const works = Array.from({ length: parts }, (_, part) => work(part));
  await Promise.allSettled(works);
  await Promise.all(works);
}

/** A weight's data as kernels read it, but for the rounding to f16. */
function readWeight(
  { constant, repack }: PlannedWeight,
  reader: ConstantReader,
  onWarning: SessionOptions['onWarning'],
): Float32Array {
  const data = reader.read(constant);
  const packed = repack ? repack.pack(data) : data;
  const warning = constant.desc.dtype === 'f16' && overflowWarning(constant.name, packed);
  if (warning) onWarning?.(warning);
  return packed;
}

function warnOfParts(graph: Graph, parts: number, onWarning: SessionOptions['onWarning']): void {
  const batch = graph.inputs[0]?.desc.shape[0];
  onWarning?.(
    `a batch of ${batch} is too large for this device: "${graph.name}" runs in ${parts} parts`,
  );
}

/** A view of the rows that belong to one part of a batch. */
export function partOf(data: Float32Array, part: number, parts: number): Float32Array;
export function partOf(data: InputData, part: number, parts: number): InputData;
export function partOf(data: InputData, part: number, parts: number): InputData {
  if (parts === 1) return data;
  if (!(data instanceof Float32Array)) {
    if (data.part) return data.part(part, parts);
    throw new UnsupportedError(
      `this device runs the batch in ${parts} parts, which no InputWriter fills; use a smaller one`,
    );
  }
  const length = data.length / parts;
  return data.subarray(part * length, (part + 1) * length);
}

function isInputData(inputs: unknown): inputs is InputData {
  return inputs instanceof Float32Array || isWriter(inputs);
}

/** An input that is called `encode` is not one. */
function isWriter(data: unknown): data is InputWriter {
  const { encode, shape } = (data ?? {}) as Partial<InputWriter>;
  return typeof encode === 'function' && Array.isArray(shape);
}
