import { ShaderError } from '../errors.ts';
import type { Binding } from '../kernel.ts';

/** A binding of a kernel. */
export interface BindingSlot {
  /** Its number in the shader. */
  readonly slot: number;
  /** What the shader does with it. */
  readonly access: Binding['access'] | 'uniform';
}

const BUFFER_TYPES: Readonly<Record<BindingSlot['access'], GPUBufferBindingType>> = {
  read: 'read-only-storage',
  read_write: 'storage',
  uniform: 'uniform',
};

/** A compiled kernel and the layout of what it binds. */
export interface Pipeline {
  /** WebGPU's object. */
  readonly pipeline: GPUComputePipeline;
  /** Of its bind group. */
  readonly layout: GPUBindGroupLayout;
}

/**
 * Compiled kernels by their whole source: layers of one shape share one.
 *
 * @example
 * const pipeline = await device.pipelines.get('mine', '@compute @workgroup_size(1) fn main() {}', []);
 */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, Promise<Pipeline>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * Compiles without blocking.
   *
   * @param label - What messages call it.
   * @param source - WGSL, whose entry point is `main`.
   * @param bindings - Of group 0.
   * @returns The same for the same source.
   * @throws ShaderError, with `label` and the source, where that fails.
   *
   * @example
   * const pipeline = await device.pipelines.get('mine', '@compute @workgroup_size(1) fn main() {}', []);
   */
  get(label: string, source: string, bindings: readonly BindingSlot[]): Promise<Pipeline> {
    const known = this.#pipelines.get(source);
    if (known) return known;
    const pipeline = this.#compile(label, source, bindings);
    this.#pipelines.set(source, pipeline);
    pipeline.catch(() => this.#pipelines.delete(source));
    return pipeline;
  }

  async #compile(
    label: string,
    source: string,
    bindings: readonly BindingSlot[],
  ): Promise<Pipeline> {
    const device = this.#device;
    const layout = device.createBindGroupLayout({
      label,
      entries: bindings.map(({ slot, access }) => ({
        binding: slot,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: BUFFER_TYPES[access] },
      })),
    });
    // The scope keeps the module's error from the console: the pipeline fails too, and is reported.
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label, code: source });
    const scope = device.popErrorScope();
    try {
      const pipeline = await device.createComputePipelineAsync({
        label,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main' },
      });
      return { pipeline, layout };
    } catch (cause) {
      const { messages } = await module.getCompilationInfo();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ShaderError(`${label} does not compile\n${explain(messages, source, reason)}`, {
        cause,
      });
    } finally {
      await scope;
    }
  }
}

/** The numbered source with a caret under each error; the bare reason where the compiler gave no place. */
function explain(
  messages: readonly GPUCompilationMessage[],
  source: string,
  reason: string,
): string {
  const errors = messages.filter((message) => message.type === 'error');
  if (errors.length === 0) return reason;
  return source
    .split('\n')
    .flatMap((line, i) => [
      `${String(i + 1).padStart(5)} | ${line}`,
      ...errors
        .filter((error) => error.lineNum === i + 1)
        .map((error) => `${' '.repeat(7 + error.linePos)}^ ${error.message}`),
    ])
    .join('\n');
}
