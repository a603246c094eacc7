/** A plan made real: buffers allocated, kernels bound. Runs only record and submit. */
import { present } from '../errors.ts';
import type { Node } from '../graph.ts';
import { MOST_DIMENSIONS } from '../kernel.ts';
import type { BufferRef, ExecutionPlan, PlannedTensor } from '../plan/compile.ts';
import { assumedMs, splitSubmits, startEarly } from '../plan/submits.ts';
import { byteLength, type Shape } from '../tensor.ts';
import { untilAborted } from '../until_aborted.ts';
import type { Opening } from './device.ts';
import { guarded } from './errors.ts';
import { filledBuffer } from './filled_buffer.ts';
import type { Pipeline } from './pipeline_cache.ts';
import { copyOut, ReadbackRing, rangeOf } from './readback.ts';
import { RunClock } from './run_clock.ts';
import { clockOf, type Work } from './stopwatch.ts';
import { UploadRing } from './upload_ring.ts';
import { warmUp } from './warm_up.ts';

/** Writes an input on the GPU, before the pass that reads it. */
export interface InputWriter {
  /** What it writes, to be checked against the input's shape. */
  readonly shape: Shape;
  /**
   * Records what fills `target`, which holds the input row-major, as f32.
   *
   * @param encoder - Into which it records, before the pass that reads the input.
   * @param target - The plan's buffer.
   */
  encode(encoder: GPUCommandEncoder, target: GPUBuffer): void;
  /**
   * What writes one of `count` equal parts, for devices that run a batch in parts.
   *
   * @param index - Of the part, from 0.
   * @param count - Of all parts.
   */
  part?(index: number, count: number): InputWriter;
}

/** What an input is given as: row-major data, or what writes it on the GPU: a GpuTensor, or a prepared batch. */
export type InputData = Float32Array | InputWriter;

interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** Callbacks that hear what a run takes, in milliseconds. */
export interface RunTimes {
  /** How long the host was busy: writing, recording, copying out. */
  readonly onHostTime?: ((ms: number) => void) | undefined;
  /** From the start of the first dispatch to the end of the last; never called without timestamp queries. */
  readonly onGpuTime?: ((ms: number) => void) | undefined;
}

/** What callers hear of a run, and how they stop it. */
export interface RunControl extends RunTimes {
  /**
   * Stops the run: it is rejected with the signal's reason at once, and nothing of it is submitted any more. Where it
   * takes several submits (`submitBudgetMs`, a batch that is cut), no more than two of them wait for the GPU at a time;
   * what has been submitted, it works off.
   */
  readonly signal?: AbortSignal | undefined;
}

/** What was submitted for a run. */
export interface Submitted {
  /** Each settles when the GPU has accepted, or refused, a part of it. */
  readonly accepted: readonly Promise<unknown>[];
  /** How long recording took. */
  readonly hostMs: number;
  /** When the first of it was submitted. */
  readonly begun: number;
}

export interface CompileKernelsOptions {
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A plan made real: buffers allocated, kernels bound. Runs only record and submit. Sessions make it; it is here for
 * tools that time or look into what runs.
 *
 * @example
 * const submits = await session.use(async ({ executor }) => executor.submits);
 */
export class Executor {
  /** What its buffers were made on. */
  readonly opening: Opening;
  readonly #plan: ExecutionPlan;
  readonly #costs: readonly number[];
  readonly #activations: GPUBuffer[] = [];
  readonly #uploads: UploadRing;
  readonly #readback = new ReadbackRing();
  readonly #submitBudgetMs: number;
  #dimensions: GPUBuffer | undefined;
  #steps: readonly Step[] = [];
  /** Dispatches of each submit that keeps within the budget, by how long the last run took. */
  #submits: readonly number[];
  /** Runs that were submitted and that the GPU has not done, or whose results are not read yet. */
  #underWay = 0;
  /** Settles when all that was called before has been submitted. */
  #turn: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(opening: Opening, plan: ExecutionPlan, submitBudgetMs: number) {
    this.#submitBudgetMs = submitBudgetMs;
    const costs = plan.dispatches.map(({ cost }) => cost);
    this.#costs = costs;
    this.#submits = splitSubmits(costs, assumedMs(costs, opening.profile), submitBudgetMs);
    this.opening = opening;
    this.#plan = plan;
    const sizes = plan.inputs.map(({ desc }) => byteLength(desc));
    this.#uploads = new UploadRing(opening.gpu, sizes);
  }

  /**
   * Allocates the activations and binds everything. `weights` are the buffers of the planned weights, which
   * stay the caller's. What was allocated is freed again when it fails.
   */
  static async create(
    opening: Opening,
    plan: ExecutionPlan,
    weights: readonly GPUBuffer[],
    pipelines: readonly Pipeline[],
    submitBudgetMs: number = Number.POSITIVE_INFINITY,
  ): Promise<Executor> {
    const executor = new Executor(opening, plan, submitBudgetMs);
    try {
      await executor.#allocate();
      await executor.#bind(weights, pipelines);
      return executor;
    } catch (error) {
      executor.dispose();
      throw error;
    }
  }

  /** Submits that a run takes while no other is under way. */
  get submits(): number {
    return this.#sizes(true).length;
  }

  /**
   * Writes the inputs, runs the plan and reads back the outputs for which there is an array. Calls may overlap; they
   * run in order.
   *
   * @param inputs - In the order of the plan's.
   * @param outputs - In the order of the plan's; undefined for those that are not read back.
   * @param times - Who hears what the run takes.
   * @throws GpuError or DeviceLostError when the GPU fails.
   *
   * @example
   * const output = new Float32Array(10);
   * await session.use(({ executor }) => executor.run([pixels], [output]));
   */
  run(
    inputs: readonly InputData[],
    outputs: readonly (Float32Array | undefined)[],
    { onHostTime, onGpuTime, signal }: RunControl = {},
  ): Promise<void> {
    let clock: RunClock | undefined;
    const finish = (encoder: GPUCommandEncoder, staging: readonly GPUBuffer[]): void => {
      this.#plan.outputs.forEach((output, i) => {
        if (!outputs[i]) return;
        const { from, bytes } = rangeOf(output.desc);
        encoder.copyBufferToBuffer(this.bufferOf(output), from, at(staging, i), 0, bytes);
      });
      clock?.resolve(encoder);
    };
    const submit = (staging: readonly GPUBuffer[]): Promise<Submitted> => {
      if (onGpuTime && clockOf(this.opening) === 'gpu') clock = new RunClock(this.opening.gpu);
      return this.submit(inputs, (encoder) => finish(encoder, staging), signal, clock);
    };
    const read = async (
      { accepted, hostMs, begun }: Submitted,
      staging: readonly GPUBuffer[],
    ): Promise<void> => {
      await Promise.all([
        ...accepted,
        ...staging.map((buffer, i) => outputs[i] && buffer.mapAsync(GPUMapMode.READ)),
      ]);
      const mapped = performance.now();
      this.#submits = splitSubmits(this.#costs, mapped - begun, this.#submitBudgetMs);
      const gpuMs = await clock?.read();
      signal?.throwIfAborted();
      const from = performance.now();
      staging.forEach((buffer, i) => {
        if (!outputs[i]) return;
        const { desc } = at(this.#plan.outputs, i);
        copyOut(desc, buffer.getMappedRange(), outputs[i]);
      });
      onHostTime?.(hostMs + (performance.now() - from));
      if (gpuMs !== undefined) onGpuTime?.(gpuMs);
    };
    return this.inTurn(submit, read).finally(() => clock?.dispose());
  }

  /**
   * Does work with the staging buffers of a run: submits after all that was to be submitted before it is, and before
   * all that is to be submitted after it, which does not wait for `read`.
   *
   * @param submit - Is given the staging buffers.
   * @param read - Is given what `submit` gave, and the staging buffers.
   * @param worked - Waits until the GPU is done, where `read` does not.
   * @throws GpuError or DeviceLostError when the GPU fails.
   *
   * @example
   * const bytes = await session.use(({ executor }) =>
   *   executor.inTurn(
   *     async (staging) => staging[0]?.size,
   *     async (size) => size,
   *   ),
   * );
   */
  inTurn<S, T>(
    submit: (staging: readonly GPUBuffer[]) => Promise<S>,
    read: (submitted: S, staging: readonly GPUBuffer[]) => Promise<T>,
    worked?: () => Promise<unknown>,
  ): Promise<T> {
    const slot = this.#readback.take();
    const { buffers } = slot;
    const submitted = Promise.all([this.#turn, slot.free]).then(() => {
      this.#underWay++;
      return submit(buffers);
    });
    const done = submitted
      .then((what) => {
        // What is destroyed cannot be mapped.
        this.#checkUsable();
        return read(what, buffers);
      })
      .finally(() => {
        // Whatever failed, they are given back unmapped, with no mapping pending.
        for (const buffer of buffers) buffer.unmap();
      });
    this.#turn = submitted.catch(() => {});
    slot.free = done.catch(() => {});
    const over = worked ? submitted.then(worked) : done;
    over.catch(() => {}).finally(() => this.#underWay--);
    return done;
  }

  /**
   * Submits a run, in as many submits as it takes; `finish` records what becomes of the outputs. It must be the
   * caller's turn. With a signal it waits before each submit of a budget until the last but one is done, so that it can
   * still be stopped.
   *
   * @param inputs - In the order of the plan's.
   * @param finish - Records what becomes of the outputs.
   * @param signal - Stops it before the next submit.
   * @param clock - Times it.
   * @throws DeviceLostError when the device is lost.
   * @throws The signal's reason when it is aborted.
   */
  async submit(
    inputs: readonly InputData[],
    finish: (encoder: GPUCommandEncoder) => void,
    signal?: AbortSignal,
    clock?: RunClock,
  ): Promise<Submitted> {
    const { gpu } = this.opening;
    let [hostMs, begun] = [0, 0];
    const submits = this.#submitEach(inputs, finish, clock, () => {
      begun = performance.now();
    });
    const waits = signal !== undefined && this.#submits.length > 1;
    const accepted: Promise<unknown>[] = [];
    let last: Promise<unknown> | undefined;
    for (let done: boolean | undefined; !done; ) {
      this.#checkUsable();
      signal?.throwIfAborted();
      const from = performance.now();
      const part = guarded(gpu, `run of "${this.#plan.graph.name}"`, () => {
        do done = submits.next().done;
        while (!waits && !done);
      });
      hostMs += performance.now() - from;
      // Heard where the run is not stopped. What failed may have been the making of a buffer.
      part.catch(() => this.#uploads.dispose());
      accepted.push(part);
      if (done) break;
      const own = gpu.queue.onSubmittedWorkDone().catch(() => {});
      await last;
      last = own;
    }
    return { accepted, hostMs, begun };
  }

  /**
   * What records each dispatch, of the plan or of some nodes, to be timed.
   *
   * @param counts - Which nodes are timed; all by default.
   *
   * @example
   * const count = await session.use(async ({ executor }) => executor.recorders().length);
   */
  recorders(counts: (node: Node) => boolean = () => true): readonly Work[] {
    const steps = this.#steps.filter((_, i) => counts(at(this.#plan.dispatches, i).node));
    return steps.map((step) => (pass) => {
      this.#checkUsable();
      record(pass, step);
    });
  }

  /** Frees its buffers. Twice is harmless; what is in flight is rejected. */
  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.#activations) buffer.destroy();
    this.#dimensions?.destroy();
    this.#uploads.dispose();
    this.#readback.dispose();
  }

  async #allocate(): Promise<void> {
    const { gpu } = this.opening;
    const { activations, outputs, dimensions, graph } = this.#plan;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const all = activations.buffers.map((size, i) => {
      const tenants = activations.storages.filter((_, j) => activations.bufferOf[j] === i);
      const most = tenants.find(({ bytes }) => bytes === size)?.name;
      const others = tenants.length > 1 ? ` and ${tenants.length - 1} more in the same memory` : '';
      return guarded(gpu, `${size} bytes for "${most}"${others}`, () => {
        this.#activations.push(gpu.createBuffer({ label: `activations ${i}`, size, usage }));
      });
    });
    const others = guarded(gpu, `session "${graph.name}"`, () => {
      this.#readback.allocate(
        gpu,
        outputs.map(({ desc }) => rangeOf(desc).bytes),
      );
      this.#dimensions = uploadDimensions(gpu, dimensions);
    });
    await Promise.all([...all, others]);
  }

  /** Each dispatch under an error scope of its own, so that what the GPU refuses has the layer's name. */
  async #bind(weights: readonly GPUBuffer[], pipelines: readonly Pipeline[]): Promise<void> {
    const { gpu } = this.opening;
    const all = this.#plan.dispatches.map(({ node, kernel, bindings, workgroups }, i) => {
      const { pipeline, layout } = at(pipelines, i);
      return guarded(gpu, `${kernel} "${node.name}"`, () => {
        const entries = bindings.map(({ slot, buffer }) => ({
          binding: slot,
          resource: this.#resource(buffer, weights),
        }));
        const bindGroup = gpu.createBindGroup({ label: node.name, layout, entries });
        return { pipeline, bindGroup, workgroups };
      });
    });
    this.#steps = await Promise.all(all);
  }

  #resource({ pool, index }: BufferRef, weights: readonly GPUBuffer[]): GPUBufferBinding {
    if (pool === 'weight') return { buffer: at(weights, index) };
    if (pool === 'activation') return { buffer: at(this.#activations, index) };
    const size = MOST_DIMENSIONS * Uint32Array.BYTES_PER_ELEMENT;
    return { buffer: at([this.#dimensions], 0), offset: index * size, size };
  }

  /** Stops after each submit but the last. */
  *#submitEach(
    inputs: readonly InputData[],
    finish: (encoder: GPUCommandEncoder) => void,
    clock: RunClock | undefined,
    onBegin: () => void,
  ): Generator<void, void> {
    const { gpu } = this.opening;
    // What times a run does not count how long the GPU waits for the next submit.
    const sizes = this.#sizes(this.#underWay === 1 && !clock);
    let done = 0;
    for (const [i, size] of sizes.entries()) {
      const [first, last] = [i === 0, i === sizes.length - 1];
      const encoder = gpu.createCommandEncoder();
      if (first) {
        this.#writeInputs(encoder, inputs, (target, data) =>
          this.#uploads.write(encoder, target, data),
        );
      }
      const pass = encoder.beginComputePass(clock?.passDescriptor(first, last));
      for (const step of this.#steps.slice(done, done + size)) record(pass, step);
      pass.end();
      done += size;
      if (last) finish(encoder);
      gpu.queue.submit([encoder.finish()]);
      if (first) {
        onBegin();
        this.#uploads.submitted();
      }
      if (!last) yield;
    }
  }

  /** Dispatches of each submit. Where one would do for the budget, several for a run that is alone on the GPU. */
  #sizes(alone: boolean): readonly number[] {
    return alone && this.#submits.length === 1 ? startEarly(this.#steps.length) : this.#submits;
  }

  /**
   * Writes the inputs where the plan reads them, before the pass that is recorded next.
   *
   * @param encoder - Into which it records.
   * @param inputs - In the order of the plan's.
   *
   * @example
   * await session.use(async ({ executor }) => {
   *   const encoder = session.device.gpu.createCommandEncoder();
   *   executor.writeInputs(encoder, [pixels]);
   *   session.device.gpu.queue.submit([encoder.finish()]);
   * });
   */
  writeInputs(encoder: GPUCommandEncoder, inputs: readonly InputData[]): void {
    const { queue } = this.opening.gpu;
    this.#writeInputs(encoder, inputs, (target, data) => queue.writeBuffer(target, 0, data));
  }

  #writeInputs(
    encoder: GPUCommandEncoder,
    inputs: readonly InputData[],
    write: (target: GPUBuffer, data: Float32Array) => void,
  ): void {
    this.#plan.inputs.forEach((input, i) => {
      const data = inputs[i];
      if (!data) return;
      const target = this.bufferOf(input);
      if (data instanceof Float32Array) write(target, data);
      else data.encode(encoder, target);
    });
  }

  /**
   * Where a tensor of the plan lies.
   *
   * @param tensor - Of the plan.
   *
   * @example
   * const [first] = session.plan.inputs;
   * const bytes = await session.use(async ({ executor }) => (first ? executor.bufferOf(first).size : 0));
   */
  bufferOf(tensor: PlannedTensor): GPUBuffer {
    return at(this.#activations, tensor.buffer.index);
  }

  /** While work waits for its turn, everything may have been disposed of, about which its owner has more to say. */
  #checkUsable(): void {
    if (this.#disposed) throw new Error('disposed');
  }
}

function record(pass: GPUComputePassEncoder, { pipeline, bindGroup, workgroups }: Step): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  const [x, y, z] = workgroups;
  // Each argument must be converted, which takes a twentieth of the host's time for a run, in Node.
  if (y === 1 && z === 1) pass.dispatchWorkgroups(x);
  else pass.dispatchWorkgroups(x, y, z);
}

/** Compiles every kernel of a plan, all at once. Throws ShaderError, or the signal's reason. */
export async function compileKernels(
  opening: Opening,
  plan: ExecutionPlan,
  { onProgress, signal }: CompileKernelsOptions,
): Promise<readonly Pipeline[]> {
  signal?.throwIfAborted();
  let done = 0;
  // From where it is told of progress until it has heard: for good, where it throws.
  let telling = false;
  const warm = new Set<Pipeline>();
  const all = plan.dispatches.map(async (dispatch) => {
    const label = `${dispatch.kernel} "${dispatch.node.name}"`;
    const pipeline = await opening.pipelines.get(label, dispatch.source, dispatch.bindings);
    if (signal?.aborted || telling) return pipeline;
    if (!warm.has(pipeline)) warmUp(opening, pipeline, dispatch.bindings);
    warm.add(pipeline);
    telling = true;
    onProgress?.(++done, plan.dispatches.length);
    telling = false;
    return pipeline;
  });
  // Compiling cannot be stopped.
  return untilAborted(Promise.all(all), signal);
}

function uploadDimensions(gpu: GPUDevice, dimensions: Uint32Array): GPUBuffer | undefined {
  if (dimensions.length === 0) return undefined;
  const usage = GPUBufferUsage.UNIFORM;
  const descriptor = { label: 'dimensions', size: dimensions.byteLength, usage };
  return filledBuffer(gpu, descriptor, (target) => new Uint32Array(target).set(dimensions));
}

function at<T>(items: readonly (T | undefined)[], index: number): T {
  return present(items[index], 'item');
}
