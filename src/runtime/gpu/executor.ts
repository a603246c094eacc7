/** A plan made real: buffers filled, kernels compiled, bind groups made. Runs only record and submit. */
import { DeviceLostError } from '../errors.ts';
import type { BufferRef, ExecutionPlan, PlannedTensor } from '../plan/compile.ts';
import { byteLength, type Shape } from '../tensor.ts';
import type { Device } from './device.ts';
import { guarded } from './errors.ts';
import type { Pipeline } from './pipeline_cache.ts';
import { ReadbackRing } from './readback.ts';

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

export interface ExecutorOptions {
  /** The data of each planned weight, in the order of the plan; called once for each. */
  readonly weightData: (index: number) => Float32Array;
  readonly onProgress?:
    | ((stage: 'compile' | 'upload', done: number, total: number) => void)
    | undefined;
}

export class Executor {
  readonly #device: Device;
  readonly #plan: ExecutionPlan;
  readonly #weights: readonly GPUBuffer[];
  readonly #activations: readonly GPUBuffer[];
  readonly #steps: readonly Step[];
  readonly #readback: ReadbackRing;
  #disposed = false;

  private constructor(
    device: Device,
    plan: ExecutionPlan,
    weights: readonly GPUBuffer[],
    activations: readonly GPUBuffer[],
    steps: readonly Step[],
  ) {
    this.#device = device;
    this.#plan = plan;
    this.#weights = weights;
    this.#activations = activations;
    this.#steps = steps;
    this.#readback = new ReadbackRing(
      device.gpu,
      plan.outputs.map((output) => byteLength(output.desc)),
    );
  }

  /** Compiles and allocates. What was allocated is freed again when it fails. */
  static async create(
    device: Device,
    plan: ExecutionPlan,
    options: ExecutorOptions,
  ): Promise<Executor> {
    device.checkAlive();
    const pipelines = await compileAll(device, plan, options);
    const owned: GPUBuffer[] = [];
    try {
      const weights = await uploadWeights(device, plan, options, owned);
      return await guarded(device.gpu, `session "${plan.graph.name}"`, () => {
        const activations = plan.activations.buffers.map((size, i) => {
          const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
          const buffer = device.gpu.createBuffer({ label: `activations ${i}`, size, usage });
          owned.push(buffer);
          return buffer;
        });
        const steps = bindAll(device, plan, pipelines, (ref) =>
          at(ref.pool === 'weight' ? weights : activations, ref.index),
        );
        return new Executor(device, plan, weights, activations, steps);
      });
    } catch (error) {
      for (const buffer of owned) buffer.destroy();
      throw error;
    }
  }

  /**
   * Writes the inputs, runs the plan and reads the outputs back into `outputs`. Calls may overlap; they
   * run in order.
   */
  async run(
    inputs: readonly InputData[],
    outputs: readonly Float32Array[],
    onHostTime?: (ms: number) => void,
  ): Promise<void> {
    const slot = await this.#readback.acquire();
    try {
      this.#device.checkAlive();
      const begun = performance.now();
      this.#submit(inputs, slot.buffers);
      const submitted = performance.now();
      await Promise.all(slot.buffers.map((buffer) => buffer.mapAsync(GPUMapMode.READ)));
      const mapped = performance.now();
      slot.buffers.forEach((buffer, i) => {
        outputs[i]?.set(new Float32Array(buffer.getMappedRange()));
        buffer.unmap();
      });
      onHostTime?.(submitted - begun + (performance.now() - mapped));
    } catch (error) {
      throw await this.#explain(error);
    } finally {
      this.#readback.release(slot);
    }
  }

  /** Frees all buffers. Twice is harmless; runs in flight are rejected. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const buffer of [...this.#weights, ...this.#activations]) buffer.destroy();
    this.#readback.dispose();
  }

  #submit(inputs: readonly InputData[], staging: readonly GPUBuffer[]): void {
    const { gpu } = this.#device;
    const encoder = gpu.createCommandEncoder();
    this.#plan.inputs.forEach((input, i) => {
      const data = inputs[i];
      if (!data) return;
      const target = this.#activation(input);
      if (data instanceof Float32Array) gpu.queue.writeBuffer(target, 0, data);
      else data.encode(encoder, target);
    });
    const pass = encoder.beginComputePass();
    for (const { pipeline, bindGroup, workgroups } of this.#steps) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...workgroups);
    }
    pass.end();
    this.#plan.outputs.forEach((output, i) => {
      const bytes = byteLength(output.desc);
      encoder.copyBufferToBuffer(this.#activation(output), 0, at(staging, i), 0, bytes);
    });
    gpu.queue.submit([encoder.finish()]);
  }

  #activation(tensor: PlannedTensor): GPUBuffer {
    return at(this.#activations, tensor.buffer.index);
  }

  /** A lost device shows as a failed mapping; its own message says why. */
  async #explain(error: unknown): Promise<unknown> {
    // The loss is announced in a task of its own, perhaps after the mapping has failed.
    await new Promise((resolve) => setTimeout(resolve));
    try {
      this.#device.checkAlive();
    } catch (lost) {
      return lost;
    }
    if (this.#disposed) return new DeviceLostError('the session was disposed during a run');
    return error;
  }
}

async function compileAll(
  device: Device,
  plan: ExecutionPlan,
  options: ExecutorOptions,
): Promise<readonly Pipeline[]> {
  let done = 0;
  const total = plan.dispatches.length;
  return Promise.all(
    plan.dispatches.map(async (dispatch) => {
      const label = `${dispatch.kernel} "${dispatch.node.name}"`;
      const pipeline = await device.pipelines.get(label, dispatch.source, dispatch.bindings);
      options.onProgress?.('compile', ++done, total);
      return pipeline;
    }),
  );
}

async function uploadWeights(
  device: Device,
  plan: ExecutionPlan,
  options: ExecutorOptions,
  owned: GPUBuffer[],
): Promise<readonly GPUBuffer[]> {
  const buffers: GPUBuffer[] = [];
  for (const [i, { constant, bytes }] of plan.weights.entries()) {
    const buffer = await guarded(device.gpu, `weight "${constant.name}"`, () => {
      const created = device.gpu.createBuffer({
        label: constant.name,
        size: bytes,
        usage: GPUBufferUsage.STORAGE,
        mappedAtCreation: true,
      });
      owned.push(created);
      new Float32Array(created.getMappedRange()).set(options.weightData(i));
      created.unmap();
      return created;
    });
    buffers.push(buffer);
    options.onProgress?.('upload', i + 1, plan.weights.length);
  }
  return buffers;
}

function bindAll(
  device: Device,
  plan: ExecutionPlan,
  pipelines: readonly Pipeline[],
  bufferOf: (ref: BufferRef) => GPUBuffer,
): readonly Step[] {
  return plan.dispatches.map((dispatch, i) => {
    const { pipeline, layout } = at(pipelines, i);
    const entries = dispatch.bindings.map(({ slot, buffer }) => ({
      binding: slot,
      resource: { buffer: bufferOf(buffer) },
    }));
    const bindGroup = device.gpu.createBindGroup({ label: dispatch.node.name, layout, entries });
    return { pipeline, bindGroup, workgroups: dispatch.workgroups };
  });
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`plan and buffers disagree at index ${index}`);
  return item;
}
