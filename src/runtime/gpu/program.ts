/** Work on the GPU outside of execution plans: kernels that are bound by hand, and buffers that grow. */
import type { Workgroups } from '../kernel.ts';
import type { Opening } from './device.ts';
import type { BindingSlot, Pipeline } from './pipeline_cache.ts';

/** A compiled kernel. */
export class Program {
  readonly #gpu: GPUDevice;
  readonly #label: string;
  readonly #compiled: Pipeline;

  private constructor(gpu: GPUDevice, label: string, compiled: Pipeline) {
    this.#gpu = gpu;
    this.#label = label;
    this.#compiled = compiled;
  }

  /**
   * Compiles a module whose bindings 0, 1, ... have these accesses. What the device compiled before is shared. Throws
   * ShaderError where compiling fails.
   */
  static async compile(
    { gpu, pipelines }: Pick<Opening, 'gpu' | 'pipelines'>,
    label: string,
    source: string,
    accesses: readonly BindingSlot['access'][],
  ): Promise<Program> {
    const bindings = accesses.map((access, slot) => ({ slot, access }));
    return new Program(gpu, label, await pipelines.get(label, source, bindings));
  }

  /** Records one dispatch on whole buffers, in the order of the bindings. */
  record(pass: GPUComputePassEncoder, buffers: readonly GPUBuffer[], workgroups: Workgroups): void {
    const { pipeline, layout } = this.#compiled;
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const bindGroup = this.#gpu.createBindGroup({ label: this.#label, layout, entries });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...workgroups);
  }
}

/** A storage buffer that grows to the largest size asked for. */
export class ScratchBuffer {
  readonly #opening: Opening;
  readonly #label: string;
  #buffer: GPUBuffer | undefined;

  constructor(opening: Opening, label: string) {
    this.#opening = opening;
    this.#label = label;
  }

  /** Bytes held. */
  get size(): number {
    return this.#buffer?.size ?? 0;
  }

  /** The buffer, of at least so many bytes, a multiple of 4. Growing loses what it held. */
  reserve(bytes: number): GPUBuffer {
    if (this.#buffer && this.#buffer.size >= bytes) return this.#buffer;
    this.#buffer?.destroy();
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    this.#buffer = this.#opening.gpu.createBuffer({ label: this.#label, size: bytes, usage });
    return this.#buffer;
  }

  /** Frees the buffer; asking for it again makes another. Work already submitted still has it. */
  dispose(): void {
    this.#buffer?.destroy();
    this.#buffer = undefined;
  }
}
