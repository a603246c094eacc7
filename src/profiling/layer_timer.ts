import type { Opening } from '../runtime/gpu/device.ts';
import { guarded } from '../runtime/gpu/errors.ts';
import { compileKernels, Executor } from '../runtime/gpu/executor.ts';
import type { Node } from '../runtime/graph.ts';
import { isolate, shapeKey } from '../runtime/isolate.ts';
import { compile, type ExecutionPlan } from '../runtime/plan/compile.ts';
import type { TunedKernel } from '../runtime/plan/tuning.ts';
import { LongSample } from './long_sample.ts';
import type { Contestant } from './race.ts';
import { timeExecutor } from './time_pass.ts';

/**
 * One layer in one kernel and configuration, to be timed. It computes with zeros: no kernel's time
 * depends on its data, and making and arranging weights would take longer than all else.
 */
export class LayerTimer implements Contestant {
  readonly #executor: Executor;
  readonly #weights: readonly GPUBuffer[];
  readonly #sample: LongSample;

  private constructor(executor: Executor, weights: readonly GPUBuffer[]) {
    this.#executor = executor;
    this.#weights = weights;
    this.#sample = new LongSample((repeats) => timeExecutor(executor, repeats));
  }

  /** Compiles, and runs once. Throws what the GPU throws; what was allocated is then freed. */
  static async create(opening: Opening, node: Node, choice: TunedKernel): Promise<LayerTimer> {
    const alone = isolate(node);
    const tuning = new Map(alone.nodes.map((only) => [shapeKey(only), choice]));
    const plan = compile(alone, { device: opening.profile, tuning });
    const pipelines = await compileKernels(opening, plan, {});
    const weights: GPUBuffer[] = [];
    let executor: Executor | undefined;
    try {
      await zeros(opening, plan, weights);
      executor = await Executor.create(opening, plan, weights, pipelines);
      // Some drivers compile kernels at their first use, which is not to be timed.
      await timeExecutor(executor);
      return new LayerTimer(executor, weights);
    } catch (error) {
      executor?.dispose();
      for (const buffer of weights) buffer.destroy();
      throw error;
    }
  }

  sample(): Promise<number> {
    return this.#sample.take();
  }

  dispose(): void {
    this.#executor.dispose();
    for (const buffer of this.#weights) buffer.destroy();
  }
}

/** Adds buffers of zeros to `made`, in the order of the weights, also where the allocation fails. */
function zeros(
  { gpu }: Opening,
  { graph, weights }: ExecutionPlan,
  made: GPUBuffer[],
): Promise<unknown> {
  const usage = GPUBufferUsage.STORAGE;
  return guarded(gpu, `weights of "${graph.name}"`, () => {
    for (const { bytes } of weights) made.push(gpu.createBuffer({ size: bytes, usage }));
  });
}
