/** A plan made real: buffers allocated, kernels bound. Runs only record and submit. */
import { present } from '../errors.ts';
import type { Node } from '../graph.ts';
import { MOST_DIMENSIONS } from '../kernel.ts';
import type { BufferRef, ExecutionPlan, PlannedTensor } from '../plan/compile.ts';
import { assumedMs, splitSubmits } from '../plan/submits.ts';
import type { Shape } from '../tensor.ts';
import type { Opening } from './device.ts';
import { guarded } from './errors.ts';
import type { Pipeline } from './pipeline_cache.ts';
import { copyOut, ReadbackRing, rangeOf } from './readback.ts';
import { RunClock } from './run_clock.ts';
import { clockOf, type Work } from './stopwatch.ts';
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
  readonly #activations: GPUBuffer[] = [];
  readonly #readback = new ReadbackRing();
  readonly #submitBudgetMs: number;
  #dimensions: GPUBuffer | undefined;
  #steps: readonly Step[] = [];
  /** Dispatches of each submit. */
  #submits: readonly number[];
  #disposed = false;

  private constructor(opening: Opening, plan: ExecutionPlan, submitBudgetMs: number) {
    this.#submitBudgetMs = submitBudgetMs;
    const costs = plan.dispatches.map(({ cost }) => cost);
    this.#submits = splitSubmits(costs, assumedMs(costs, opening.profile), submitBudgetMs);
    this.opening = opening;
    this.#plan = plan;
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
    submitBudgetMs = Number.POSITIVE_INFINITY,
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

  /** Submits that the next run takes. */
  get submits(): number {
    return this.#submits.length;
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
    { onHostTime, onGpuTime }: RunTimes = {},
  ): Promise<void> {
    return this.inTurn(async (staging) => {
      let clock: RunClock | undefined;
      try {
        const begun = performance.now();
        if (onGpuTime && clockOf(this.opening) === 'gpu') clock = new RunClock(this.opening.gpu);
        const accepted = guarded(this.opening.gpu, `run of "${this.#plan.graph.name}"`, () =>
          this.#submit(inputs, staging, outputs, clock),
        );
        const submitted = performance.now();
        await Promise.all([
          accepted,
          ...staging.map((buffer, i) => outputs[i] && buffer.mapAsync(GPUMapMode.READ)),
        ]);
        const mapped = performance.now();
        this.#regroup(mapped - submitted);
        staging.forEach((buffer, i) => {
          if (!outputs[i]) return;
          const { desc } = at(this.#plan.outputs, i);
          copyOut(desc, buffer.getMappedRange(), outputs[i]);
        });
        onHostTime?.(submitted - begun + (performance.now() - mapped));
        if (clock) onGpuTime?.(await clock.read());
      } finally {
        clock?.dispose();
      }
    });
  }

  /**
   * Does work with the staging buffers of a run, which submits after all that was to be submitted before it.
   *
   * @param work - Is given the staging buffers.
   * @throws GpuError or DeviceLostError when the GPU fails.
   *
   * @example
   * const bytes = await session.use(({ executor }) => executor.inTurn(async (staging) => staging[0]?.size));
   */
  async inTurn<T>(work: (staging: readonly GPUBuffer[]) => Promise<T>): Promise<T> {
    const slot = await this.#readback.acquire();
    try {
      this.#checkUsable();
      return await work(slot.buffers);
    } finally {
      // Whatever failed, the slot must be returned unmapped, with no mapping pending.
      for (const buffer of slot.buffers) buffer.unmap();
      this.#readback.release(slot);
    }
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

  #submit(
    inputs: readonly InputData[],
    staging: readonly GPUBuffer[],
    wanted: readonly (Float32Array | undefined)[],
    clock: RunClock | undefined,
  ): void {
    const { gpu } = this.opening;
    let encoder = gpu.createCommandEncoder();
    this.writeInputs(encoder, inputs);
    let done = 0;
    for (const [i, size] of this.#submits.entries()) {
      if (i > 0) {
        gpu.queue.submit([encoder.finish()]);
        encoder = gpu.createCommandEncoder();
      }
      const pass = encoder.beginComputePass(
        clock?.passDescriptor(i === 0, i === this.#submits.length - 1),
      );
      for (const step of this.#steps.slice(done, done + size)) record(pass, step);
      pass.end();
      done += size;
    }
    this.#plan.outputs.forEach((output, i) => {
      if (!wanted[i]) return;
      const { from, bytes } = rangeOf(output.desc);
      encoder.copyBufferToBuffer(this.bufferOf(output), from, at(staging, i), 0, bytes);
    });
    clock?.resolve(encoder);
    gpu.queue.submit([encoder.finish()]);
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
    this.#plan.inputs.forEach((input, i) => {
      const data = inputs[i];
      if (!data) return;
      const target = this.bufferOf(input);
      if (data instanceof Float32Array) {
        this.opening.gpu.queue.writeBuffer(target, 0, data);
      } else data.encode(encoder, target);
    });
  }

  /** Plans the submits of the next run by how long this one took. */
  #regroup(ms: number): void {
    if (this.#submitBudgetMs === Number.POSITIVE_INFINITY) return;
    const costs = this.#plan.dispatches.map(({ cost }) => cost);
    this.#submits = splitSubmits(costs, ms, this.#submitBudgetMs);
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
  const warm = new Set<Pipeline>();
  const all = plan.dispatches.map(async (dispatch) => {
    const label = `${dispatch.kernel} "${dispatch.node.name}"`;
    const pipeline = await opening.pipelines.get(label, dispatch.source, dispatch.bindings);
    if (signal?.aborted) return pipeline;
    if (!warm.has(pipeline)) warmUp(opening, pipeline, dispatch.bindings);
    warm.add(pipeline);
    onProgress?.(++done, plan.dispatches.length);
    return pipeline;
  });
  return untilAborted(Promise.all(all), signal);
}

/** The work continues after an abort, since compiling cannot be stopped, but nobody waits for it. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function uploadDimensions(gpu: GPUDevice, dimensions: Uint32Array): GPUBuffer | undefined {
  if (dimensions.length === 0) return undefined;
  const buffer = gpu.createBuffer({
    label: 'dimensions',
    size: dimensions.byteLength,
    usage: GPUBufferUsage.UNIFORM,
    mappedAtCreation: true,
  });
  new Uint32Array(buffer.getMappedRange()).set(dimensions);
  buffer.unmap();
  return buffer;
}

function at<T>(items: readonly (T | undefined)[], index: number): T {
  return present(items[index], `item ${index} of the plan`);
}
