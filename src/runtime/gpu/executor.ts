/** A plan made real: buffers allocated, kernels bound. Runs only record and submit. */
import { TilewiseError } from '../errors.ts';
import type { Node } from '../graph.ts';
import { MOST_DIMENSIONS } from '../kernel.ts';
import type { BufferRef, ExecutionPlan, PlannedTensor } from '../plan/compile.ts';
import { assumedMs, splitSubmits } from '../plan/submits.ts';
import type { Shape } from '../tensor.ts';
import type { Device } from './device.ts';
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
  /** Records what fills `target`, which holds the input row-major, as f32. */
  encode(encoder: GPUCommandEncoder, target: GPUBuffer): void;
}

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

export class Executor {
  readonly device: Device;
  readonly #plan: ExecutionPlan;
  readonly #activations: readonly GPUBuffer[];
  readonly #dimensions: GPUBuffer | undefined;
  readonly #steps: readonly Step[];
  readonly #readback: ReadbackRing;
  readonly #submitBudgetMs: number;
  /** Dispatches of each submit. */
  #submits: readonly number[];
  #disposed = false;

  private constructor(
    device: Device,
    plan: ExecutionPlan,
    activations: readonly GPUBuffer[],
    dimensions: GPUBuffer | undefined,
    steps: readonly Step[],
    submitBudgetMs: number,
  ) {
    this.#submitBudgetMs = submitBudgetMs;
    const costs = plan.dispatches.map(({ cost }) => cost);
    this.#submits = splitSubmits(costs, assumedMs(costs, device.profile), submitBudgetMs);
    this.device = device;
    this.#plan = plan;
    this.#activations = activations;
    this.#dimensions = dimensions;
    this.#steps = steps;
    this.#readback = new ReadbackRing(
      device.gpu,
      plan.outputs.map((output) => rangeOf(output.desc).bytes),
    );
  }

  /**
   * Allocates the activations and binds everything. `weights` are the buffers of the planned weights, which
   * stay the caller's. What was allocated is freed again when it fails.
   */
  static async create(
    device: Device,
    plan: ExecutionPlan,
    weights: readonly GPUBuffer[],
    pipelines: readonly Pipeline[],
    submitBudgetMs = Number.POSITIVE_INFINITY,
  ): Promise<Executor> {
    const activations: GPUBuffer[] = [];
    let dimensions: GPUBuffer | undefined;
    const who = `session "${plan.graph.name}"`;
    try {
      await allocate(device, plan, activations);
      dimensions = await guarded(device.gpu, who, () => uploadDimensions(device, plan));
      const steps = await bindAll(device, plan, pipelines, { weights, activations, dimensions });
      return await guarded(
        device.gpu,
        who,
        () => new Executor(device, plan, activations, dimensions, steps, submitBudgetMs),
      );
    } catch (error) {
      for (const buffer of activations) buffer.destroy();
      dimensions?.destroy();
      throw error;
    }
  }

  /** Submits that the next run takes. */
  get submits(): number {
    return this.#submits.length;
  }

  /**
   * Writes the inputs, runs the plan and reads back the outputs for which there is an array. Calls may
   * overlap; they run in order.
   */
  async run(
    inputs: readonly InputData[],
    outputs: readonly (Float32Array | undefined)[],
    { onHostTime, onGpuTime }: RunTimes = {},
  ): Promise<void> {
    const slot = await this.#readback.acquire();
    let clock: RunClock | undefined;
    try {
      this.#checkUsable();
      const begun = performance.now();
      if (onGpuTime && clockOf(this.device) === 'gpu') clock = new RunClock(this.device.gpu);
      const accepted = guarded(this.device.gpu, `run of "${this.#plan.graph.name}"`, () =>
        this.#submit(inputs, slot.buffers, outputs, clock),
      );
      const submitted = performance.now();
      await Promise.all([
        accepted,
        ...slot.buffers.map((buffer, i) => outputs[i] && buffer.mapAsync(GPUMapMode.READ)),
      ]);
      const mapped = performance.now();
      this.#regroup(mapped - submitted);
      slot.buffers.forEach((buffer, i) => {
        if (!outputs[i]) return;
        const { desc } = at(this.#plan.outputs, i);
        copyOut(desc, buffer.getMappedRange(), outputs[i]);
        buffer.unmap();
      });
      onHostTime?.(submitted - begun + (performance.now() - mapped));
      if (clock) onGpuTime?.(await clock.read());
    } catch (error) {
      // Whatever failed, the slot must be returned unmapped, with no mapping pending.
      for (const buffer of slot.buffers) buffer.unmap();
      throw await this.#explain(error);
    } finally {
      clock?.dispose();
      this.#readback.release(slot);
    }
  }

  /** What records each dispatch, of the plan or of some nodes. */
  recorders(counts: (node: Node) => boolean = () => true): readonly Work[] {
    const steps = this.#steps.filter((_, i) => counts(at(this.#plan.dispatches, i).node));
    return steps.map((step) => (pass) => record(pass, step));
  }

  /** Frees its buffers. Twice is harmless; runs in flight are rejected. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const buffer of this.#activations) buffer.destroy();
    this.#dimensions?.destroy();
    this.#readback.dispose();
  }

  #submit(
    inputs: readonly InputData[],
    staging: readonly GPUBuffer[],
    wanted: readonly (Float32Array | undefined)[],
    clock: RunClock | undefined,
  ): void {
    const { gpu } = this.device;
    let encoder = gpu.createCommandEncoder();
    this.#writeInputs(encoder, inputs);
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
      encoder.copyBufferToBuffer(this.#activation(output), from, at(staging, i), 0, bytes);
    });
    clock?.resolve(encoder);
    gpu.queue.submit([encoder.finish()]);
  }

  #writeInputs(encoder: GPUCommandEncoder, inputs: readonly InputData[]): void {
    this.#plan.inputs.forEach((input, i) => {
      const data = inputs[i];
      if (!data) return;
      const target = this.#activation(input);
      if (data instanceof Float32Array) {
        this.device.gpu.queue.writeBuffer(target, 0, data);
      } else data.encode(encoder, target);
    });
  }

  /** Plans the submits of the next run by how long this one took. */
  #regroup(ms: number): void {
    if (this.#submitBudgetMs === Number.POSITIVE_INFINITY) return;
    const costs = this.#plan.dispatches.map(({ cost }) => cost);
    this.#submits = splitSubmits(costs, ms, this.#submitBudgetMs);
  }

  #activation(tensor: PlannedTensor): GPUBuffer {
    return at(this.#activations, tensor.buffer.index);
  }

  /** A lost device shows as a failed mapping; its own message says why. */
  async #explain(error: unknown): Promise<unknown> {
    // The loss is announced in a task of its own, perhaps after the mapping has failed.
    await new Promise((resolve) => setTimeout(resolve));
    try {
      this.device.checkAlive();
    } catch (lost) {
      return lost;
    }
    return this.#disposed ? disposedError() : error;
  }

  /** While a run waits for its turn, everything may have been disposed of. */
  #checkUsable(): void {
    this.device.checkAlive();
    if (this.#disposed) throw disposedError();
  }
}

function disposedError(): TilewiseError {
  return new TilewiseError('the session was disposed, or resized, during a run');
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
  device: Device,
  plan: ExecutionPlan,
  { onProgress, signal }: CompileKernelsOptions,
): Promise<readonly Pipeline[]> {
  device.checkAlive();
  signal?.throwIfAborted();
  let done = 0;
  const warm = new Set<Pipeline>();
  const all = plan.dispatches.map(async (dispatch) => {
    const label = `${dispatch.kernel} "${dispatch.node.name}"`;
    const pipeline = await device.pipelines.get(label, dispatch.source, dispatch.bindings);
    if (signal?.aborted) return pipeline;
    if (!warm.has(pipeline)) warmUp(device, pipeline, dispatch.bindings);
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

interface PlanBuffers {
  readonly weights: readonly GPUBuffer[];
  readonly activations: readonly GPUBuffer[];
  readonly dimensions: GPUBuffer | undefined;
}

function uploadDimensions({ gpu }: Device, { dimensions }: ExecutionPlan): GPUBuffer | undefined {
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

/** Adds the buffers of the activations to `made`, in their order, also where the allocation fails. */
async function allocate(
  { gpu }: Device,
  { activations }: ExecutionPlan,
  made: GPUBuffer[],
): Promise<void> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const all = activations.buffers.map((size, i) => {
    const tenants = activations.storages.filter((_, j) => activations.bufferOf[j] === i);
    const most = tenants.find(({ bytes }) => bytes === size)?.name;
    const others = tenants.length > 1 ? ` and ${tenants.length - 1} more in the same memory` : '';
    return guarded(gpu, `${size} bytes for "${most}"${others}`, () => {
      made.push(gpu.createBuffer({ label: `activations ${i}`, size, usage }));
    });
  });
  await Promise.all(all);
}

/** Each dispatch under an error scope of its own, so that what the GPU refuses has the layer's name. */
function bindAll(
  { gpu }: Device,
  plan: ExecutionPlan,
  pipelines: readonly Pipeline[],
  buffers: PlanBuffers,
): Promise<readonly Step[]> {
  const all = plan.dispatches.map(({ node, kernel, bindings, workgroups }, i) => {
    const { pipeline, layout } = at(pipelines, i);
    return guarded(gpu, `${kernel} "${node.name}"`, () => {
      const entries = bindings.map(({ slot, buffer }) => ({
        binding: slot,
        resource: resourceOf(buffer, buffers),
      }));
      const bindGroup = gpu.createBindGroup({ label: node.name, layout, entries });
      return { pipeline, bindGroup, workgroups };
    });
  });
  return Promise.all(all);
}

function resourceOf(
  { pool, index }: BufferRef,
  { weights, activations, dimensions }: PlanBuffers,
): GPUBufferBinding {
  if (pool === 'weight') return { buffer: at(weights, index) };
  if (pool === 'activation') return { buffer: at(activations, index) };
  const size = MOST_DIMENSIONS * Uint32Array.BYTES_PER_ELEMENT;
  return { buffer: at(dimensions ? [dimensions] : [], 0), offset: index * size, size };
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`plan and buffers disagree at index ${index}`);
  return item;
}
