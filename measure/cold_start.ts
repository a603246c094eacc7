/** A cold start: from weights in memory to the first outputs, stage by stage, in a process that has used no GPU yet. */
import {
  createSession,
  Device,
  type DType,
  type Graph,
  type OpenDeviceOptions,
  type SessionProgress,
  syntheticInput,
  type Tuning,
  type WeightSource,
} from '../src/index.ts';
import { durationOf, type Interval, overlapOf } from './intervals.ts';

/** In the order in which they begin. */
export const COLD_STAGES = [
  'graph',
  'adapter',
  'device',
  'plan',
  'compile',
  'warmUp',
  'read',
  'arrange',
  'upload',
  'bind',
  'run',
] as const;
export type ColdStageName = (typeof COLD_STAGES)[number];

/** Times are in milliseconds. */
export interface ColdStage {
  readonly stage: ColdStageName;
  /** How long any of it lasted. */
  readonly ms: number;
  /** Since the start. */
  readonly fromMs: number;
  readonly toMs: number;
  /** How long it went on at the same time as other stages, where it did. */
  readonly overlaps: Partial<Readonly<Record<ColdStageName, number>>>;
}

/** A kernel that was compiled with no other at the same time. */
export interface KernelTime {
  /** The kernel, and the first node that it computes. */
  readonly kernel: string;
  readonly ms: number;
}

export interface ColdStart {
  readonly adapter: string;
  readonly software: boolean;
  readonly totalMs: number;
  readonly stages: readonly ColdStage[];
  /** What no stage accounts for. */
  readonly otherMs: number;
  readonly dispatches: number;
  /** Different kernels that were compiled. */
  readonly kernels: number;
  /** Of each kernel, where they were compiled one after the other. */
  readonly alone?: readonly KernelTime[];
}

export interface ColdStartOptions {
  readonly graph: Graph;
  /** Milliseconds that making the graph took, the first stage. */
  readonly graphMs: number;
  /** In memory. */
  readonly weights: WeightSource;
  readonly precision: DType;
  readonly findAdapter: () => Promise<OpenDeviceOptions & { readonly gpu: GPU }>;
  readonly tuningOf: (device: Device) => Promise<Tuning | undefined>;
  /** Whether kernels are compiled one after the other, which tells what each takes, and prolongs all. */
  readonly alone: boolean;
}

/**
 * Starts cold, once in a process: what drivers keep is gone with that, not before. It replaces functions of the device
 * to hear when they are called, so that the library need not report more than it does. That a kernel is ready is heard
 * of only when the host is not busy: it may have been so before.
 */
export async function coldStart(options: ColdStartOptions): Promise<ColdStart> {
  const { graph, precision, findAdapter, tuningOf } = options;
  const trace = new Trace(options.graphMs);
  const { gpu, ...opening } = await trace.during('adapter', findAdapter);
  using device = await trace.during('device', () => Device.open(gpu, opening));
  const alone = options.alone ? compileOneByOne(device) : undefined;
  const watch = new Watch(device, trace);
  const tuning = await tuningOf(device);
  const { onProgress } = watch;
  const weights = watch.weights(options.weights);
  using session = await createSession(device, graph, { weights, precision, tuning, onProgress });
  watch.end();
  const inputs = Object.fromEntries(
    session.inputs.map(({ name, shape }) => [name, syntheticInput(shape)]),
  );
  await trace.during('run', () => session.run(inputs));
  return {
    adapter: device.adapter.name,
    software: device.adapter.software,
    ...trace.summary(),
    dispatches: session.plan.dispatches.length,
    kernels: watch.kernels,
    ...(alone && { alone: await alone() }),
  };
}

/** When what went on, since the start. */
export class Trace {
  readonly #intervals = new Map<ColdStageName, Interval[]>();
  readonly #begun: number;

  constructor(graphMs: number) {
    this.#begun = performance.now() - graphMs;
    this.add('graph', this.#begun, this.#begun + graphMs);
  }

  add(stage: ColdStageName, from: number, to = performance.now()): void {
    const before = this.#intervals.get(stage) ?? [];
    this.#intervals.set(stage, [...before, { from: from - this.#begun, to: to - this.#begun }]);
  }

  async during<T>(stage: ColdStageName, work: () => Promise<T>): Promise<T> {
    const from = performance.now();
    const result = await work();
    this.add(stage, from);
    return result;
  }

  /** When the last of these ended, on the clock of `performance.now`. */
  endOf(...stages: readonly ColdStageName[]): number {
    const ends = stages.flatMap((stage) => this.#of(stage).map(({ to }) => to));
    return this.#begun + Math.max(0, ...ends);
  }

  summary(): Pick<ColdStart, 'totalMs' | 'stages' | 'otherMs'> {
    const totalMs = performance.now() - this.#begun;
    const all = [...this.#intervals.values()].flat();
    const present = COLD_STAGES.filter((stage) => this.#of(stage).length > 0);
    return {
      totalMs,
      stages: present.map((stage) => this.#describe(stage, present)),
      otherMs: totalMs - durationOf(all),
    };
  }

  #of(stage: ColdStageName): readonly Interval[] {
    return this.#intervals.get(stage) ?? [];
  }

  #describe(stage: ColdStageName, present: readonly ColdStageName[]): ColdStage {
    const own = this.#of(stage);
    const overlaps = present
      .filter((other) => other !== stage)
      .map((other) => [other, overlapOf(own, this.#of(other))] as const)
      // Sums of times are off in their last digits.
      .filter(([, ms]) => ms > 0.001);
    return {
      stage,
      ms: durationOf(own),
      fromMs: Math.min(...own.map(({ from }) => from)),
      toMs: Math.max(...own.map(({ to }) => to)),
      overlaps: Object.fromEntries(overlaps),
    };
  }
}

/** Hears of what `createSession` does with a device, by functions of the device that it calls. */
class Watch {
  readonly #trace: Trace;
  readonly #begun = performance.now();
  readonly #kernels = new Set<Promise<unknown>>();
  /** Since when a weight is read and arranged. */
  #arranging: number | undefined;
  /** Since when weights are uploaded, the oldest first. */
  readonly #uploading: number[] = [];
  #planned = false;
  #ended = false;

  constructor(device: Device, trace: Trace) {
    this.#trace = trace;
    this.#watchKernels(device);
    this.#watchSubmits(device.gpu.queue);
    this.#watchBuffers(device.gpu);
  }

  get kernels(): number {
    return this.#kernels.size;
  }

  /** The session is there. */
  end(): void {
    this.#ended = true;
    this.#endPlan();
    this.#trace.add('bind', this.#trace.endOf('plan', 'compile', 'upload'));
  }

  readonly onProgress = ({ stage }: SessionProgress): void => {
    // Of weights that are on the device already, there is progress without an upload.
    const from = stage === 'upload' ? this.#uploading.shift() : undefined;
    if (from !== undefined) this.#trace.add('upload', from);
  };

  /** The same weights; what happens between their being read and their buffer is arranging. */
  weights(source: WeightSource): WeightSource {
    const read: WeightSource['read'] = (name, shape) => {
      this.#endPlan();
      const from = performance.now();
      if (this.#arranging !== undefined) this.#trace.add('arrange', this.#arranging, from);
      const data = source.read(name, shape);
      this.#arranging = performance.now();
      this.#trace.add('read', from, this.#arranging);
      return data;
    };
    return { name: source.name, tensors: source.tensors, read };
  }

  #endPlan(): void {
    if (!this.#planned) this.#trace.add('plan', this.#begun);
    this.#planned = true;
  }

  #watchKernels({ pipelines }: Device): void {
    const get = pipelines.get.bind(pipelines);
    pipelines.get = (...kernel) => {
      this.#endPlan();
      const from = performance.now();
      const made = get(...kernel);
      if (this.#kernels.has(made)) return made;
      this.#kernels.add(made);
      return made.finally(() => this.#trace.add('compile', from));
    };
  }

  /** Before the first run, only kernels that are warmed up are submitted. */
  #watchSubmits(queue: GPUQueue): void {
    const submit = queue.submit.bind(queue);
    queue.submit = (buffers) => {
      const from = performance.now();
      submit(buffers);
      if (this.#ended) return;
      const done = queue.onSubmittedWorkDone();
      void done.then(() => this.#trace.add('warmUp', from)).catch(() => undefined);
    };
  }

  #watchBuffers(gpu: GPUDevice): void {
    const create = gpu.createBuffer.bind(gpu);
    gpu.createBuffer = (descriptor) => {
      const from = performance.now();
      if (descriptor.mappedAtCreation && this.#arranging !== undefined) {
        this.#trace.add('arrange', this.#arranging, from);
        this.#arranging = undefined;
        this.#uploading.push(from);
      }
      return create(descriptor);
    };
  }
}

/**
 * Has each kernel wait until the one before it is compiled, and has run once on nothing, where the driver compiles it
 * only then. Returns what waits for their times.
 */
function compileOneByOne({ pipelines, gpu }: Device): () => Promise<readonly KernelTime[]> {
  const times: KernelTime[] = [];
  const known = new Map<string, ReturnType<typeof pipelines.get>>();
  const get = pipelines.get.bind(pipelines);
  let turn: Promise<unknown> = Promise.resolve();
  pipelines.get = (label, source, bindings) => {
    const before = known.get(source);
    if (before) return before;
    let from = 0;
    const made = turn.then(() => {
      from = performance.now();
      return get(label, source, bindings);
    });
    known.set(source, made);
    const timed = made.then(async () => {
      const compiled = performance.now() - from;
      // Whoever waits for it is to warm it up first.
      await new Promise((resolve) => setTimeout(resolve));
      const submitted = performance.now();
      await gpu.queue.onSubmittedWorkDone();
      times.push({ kernel: label, ms: compiled + performance.now() - submitted });
    });
    // A failure is told by `made`.
    turn = timed.catch(() => undefined);
    return made;
  };
  return () => turn.then(() => times);
}
