/** Frames that come faster than they are worked on. */
import { checkArgument, checkOption, checkOptions } from '../runtime/arguments.ts';

/** What a frame may have to be freed by, as a VideoFrame or an ImageBitmap has. */
interface Closable {
  close?(): void;
}

/** How a queue is stopped. */
export interface FrameQueueOptions {
  /** Stops the queue: frames that wait, and all that come, are closed and dropped. */
  readonly signal?: AbortSignal;
}

/** How a queue keeps up. */
export interface FrameStatistics {
  /** Frames worked on a second, over the last of them; 0 before there are two. */
  readonly fps: number;
  /** Milliseconds from `push` to the result, of the last frame. */
  readonly latencyMs: number;
  /** Frames worked on. */
  readonly done: number;
  /** Frames that newer ones took the place of. */
  readonly dropped: number;
}

/** How many frames the rate is an average over. */
const RECENT = 30;

interface Waiting<F, T> {
  readonly frame: F;
  readonly pushedAt: number;
  readonly resolve: (result: T | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Works on frames one at a time; of those that come meanwhile, only the newest waits, and the others are dropped. So
 * results are of what a camera sees now, however slow the device is, and memory holds two frames at most. Frames are
 * the queue's once they are pushed: it closes each, after the work or when it is dropped.
 *
 * @example
 * function watch(video: HTMLVideoElement, classifier: Classifier) {
 *   const queue = new FrameQueue((frame: VideoFrame) => classifier.classify(frame));
 *   video.requestVideoFrameCallback(async function next() {
 *     video.requestVideoFrameCallback(next);
 *     const classes = await queue.push(new VideoFrame(video));
 *     if (classes) console.log(classes[0]?.label, queue.statistics.fps);
 *   });
 * }
 */
export class FrameQueue<F extends object, T> {
  readonly #work: (frame: F) => Promise<T>;
  readonly #signal: AbortSignal | undefined;
  #running = false;
  #next: Waiting<F, T> | undefined;
  /** When the last frames were done. */
  readonly #times: number[] = [];
  #latencyMs = 0;
  #done = 0;
  #dropped = 0;

  /**
   * @param work - What to do with a frame. It may begin nothing that reads the frame after its promise is settled.
   * @param options - When to stop.
   * @throws TilewiseError for work that is no function.
   */
  constructor(work: (frame: F) => Promise<T>, options: FrameQueueOptions = {}) {
    checkArgument(typeof work === 'function', 'FrameQueue: work', 'a function', work);
    checkOptions('FrameQueue', options);
    checkOption('FrameQueue: signal', options.signal, 'throwIfAborted', 'an AbortSignal');
    this.#work = work;
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', () => this.#drop(), { once: true });
  }

  /**
   * Hands over a frame. Gives what the work makes of it, or undefined where a newer frame took its place or the queue
   * was stopped.
   *
   * @param frame - A VideoFrame, an ImageBitmap, or anything else to work on.
   * @throws TilewiseError for a frame that is no object.
   * @throws What the work throws, or the frame when it is closed; the queue goes on with the next frame.
   *
   * @example
   * using classifier = await Classifier.create(device, lenet, { weights });
   * const queue = new FrameQueue((frame: Picture) => classifier.classify(frame));
   * const classes = await queue.push(picture);
   * console.log(classes?.[0]?.label, queue.statistics.latencyMs);
   */
  push(frame: F): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      checkArgument(Object(frame) === frame, 'FrameQueue.push: frame', 'an object', frame);
      this.#drop();
      this.#next = { frame, pushedAt: performance.now(), resolve, reject };
      if (this.#signal?.aborted) this.#drop();
      else if (!this.#running) void this.#run();
    });
  }

  /** How the queue keeps up, as of now. */
  get statistics(): FrameStatistics {
    const [first = 0] = this.#times;
    const intervals = this.#times.length - 1;
    const spanMs = (this.#times.at(-1) ?? 0) - first;
    return {
      fps: intervals > 0 && spanMs > 0 ? (1000 * intervals) / spanMs : 0,
      latencyMs: this.#latencyMs,
      done: this.#done,
      dropped: this.#dropped,
    };
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let one = this.#take(); one; one = this.#take()) {
      try {
        const result = await this.#workOn(one.frame);
        this.#count(one.pushedAt);
        one.resolve(result);
      } catch (error) {
        one.reject(error);
      }
    }
    this.#running = false;
  }

  async #workOn(frame: F): Promise<T> {
    try {
      return await this.#work(frame);
    } finally {
      close(frame);
    }
  }

  #take(): Waiting<F, T> | undefined {
    const one = this.#next;
    this.#next = undefined;
    return one;
  }

  /** Drops the frame that waits. */
  #drop(): void {
    const one = this.#take();
    if (!one) return;
    this.#dropped++;
    try {
      close(one.frame);
      one.resolve(undefined);
    } catch (error) {
      one.reject(error);
    }
  }

  #count(pushedAt: number): void {
    const now = performance.now();
    this.#latencyMs = now - pushedAt;
    this.#done++;
    this.#times.push(now);
    if (this.#times.length > RECENT) this.#times.shift();
  }
}

/** Twice is harmless, also for frames that the work has handed on. */
function close(frame: Closable): void {
  if (typeof frame.close === 'function') frame.close();
}
