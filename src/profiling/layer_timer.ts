import type { Device } from '../runtime/gpu/device.ts';
import { guarded } from '../runtime/gpu/errors.ts';
import { compileKernels, Executor } from '../runtime/gpu/executor.ts';
import type { Node } from '../runtime/graph.ts';
import { isolate, shapeKey } from '../runtime/isolate.ts';
import { compile, type ExecutionPlan } from '../runtime/plan/compile.ts';
import type { TunedKernel } from '../runtime/plan/tuning.ts';
import type { Contestant } from './race.ts';
import { timePass } from './time_pass.ts';

/** Shorter passes are repeated within a sample: some clocks tick only every 100 microseconds. */
const LEAST_SAMPLE_MS = 3;
const MOST_REPEATS = 1000;

/**
 * One layer in one kernel and configuration, to be timed. It computes with zeros: no kernel's time
 * depends on its data, and making and arranging weights would take longer than all else.
 */
export class LayerTimer implements Contestant {
  readonly #executor: Executor;
  readonly #weights: readonly GPUBuffer[];
  #repeats = 1;

  private constructor(executor: Executor, weights: readonly GPUBuffer[]) {
    this.#executor = executor;
    this.#weights = weights;
  }

  /** Compiles, and runs once. Throws what the GPU throws; what was allocated is then freed. */
  static async create(device: Device, node: Node, choice: TunedKernel): Promise<LayerTimer> {
    const alone = isolate(node);
    const tuning = new Map(alone.nodes.map((only) => [shapeKey(only), choice]));
    const plan = compile(alone, { device: device.profile, tuning });
    const pipelines = await compileKernels(device, plan, {});
    const weights = await zeros(device, plan);
    let executor: Executor | undefined;
    try {
      executor = await Executor.create(device, plan, weights, pipelines);
      // Some drivers compile kernels at their first use, which is not to be timed.
      await timePass(executor);
      return new LayerTimer(executor, weights);
    } catch (error) {
      executor?.dispose();
      for (const buffer of weights) buffer.destroy();
      throw error;
    }
  }

  async sample(): Promise<number> {
    const ms = await timePass(this.#executor, this.#repeats);
    if (this.#repeats > 1 || ms >= LEAST_SAMPLE_MS) return ms;
    this.#repeats = Math.ceil(LEAST_SAMPLE_MS / Math.max(ms, LEAST_SAMPLE_MS / MOST_REPEATS));
    return this.#repeats > 1 ? timePass(this.#executor, this.#repeats) : ms;
  }

  dispose(): void {
    this.#executor.dispose();
    for (const buffer of this.#weights) buffer.destroy();
  }
}

function zeros({ gpu }: Device, { graph, weights }: ExecutionPlan): Promise<readonly GPUBuffer[]> {
  const usage = GPUBufferUsage.STORAGE;
  return guarded(gpu, `weights of "${graph.name}"`, () =>
    weights.map(({ bytes }) => gpu.createBuffer({ size: bytes, usage })),
  );
}
