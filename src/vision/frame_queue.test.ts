import { afterEach, describe, expect, it, vi } from 'vitest';
import { FrameQueue } from './frame_queue.ts';

/** A frame that counts how often it is closed. */
class Frame {
  closed = 0;
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }

  close(): void {
    this.closed++;
  }
}

/** Work whose end the test decides. */
function manual() {
  const begun: number[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const work = (frame: Frame): Promise<string> =>
    new Promise((resolve, reject) => {
      begun.push(frame.id);
      ends.push((error) => (error ? reject(error) : resolve(`seen ${frame.id}`)));
    });
  return { begun, ends, work };
}

/** Lets all that is settled be heard of. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

afterEach(() => {
  vi.useRealTimers();
});

describe('FrameQueue', () => {
  it('goes on after frames that cannot be closed, whose pushes are rejected', async () => {
    class Broken extends Frame {
      override close(): void {
        super.close();
        throw new Error(`frame ${this.id} cannot be closed`);
      }
    }
    const { ends, work } = manual();
    const queue = new FrameQueue(work);
    const frames = [new Broken(1), new Broken(2), new Frame(3)];
    const outcomes = Promise.allSettled(frames.map((frame) => queue.push(frame)));
    ends[0]?.();
    await settled();
    ends[1]?.();
    expect(await outcomes).toEqual([
      { status: 'rejected', reason: new Error('frame 1 cannot be closed') },
      { status: 'rejected', reason: new Error('frame 2 cannot be closed') },
      { status: 'fulfilled', value: 'seen 3' },
    ]);
    expect(frames.map(({ closed }) => closed)).toEqual([1, 1, 1]);
  });

  it('works on one frame at a time, and then on the newest', async () => {
    const { begun, ends, work } = manual();
    const queue = new FrameQueue(work);
    const frames = [1, 2, 3, 4].map((id) => new Frame(id));
    const results = frames.map((frame) => queue.push(frame));
    expect(begun).toEqual([1]);
    // Those in between are gone at once, before anything is done.
    expect(await Promise.all([results[1], results[2]])).toEqual([undefined, undefined]);
    expect(frames.map(({ closed }) => closed)).toEqual([0, 1, 1, 0]);
    ends[0]?.();
    expect(await results[0]).toBe('seen 1');
    await settled();
    expect(begun).toEqual([1, 4]);
    expect(frames.map(({ closed }) => closed)).toEqual([1, 1, 1, 0]);
    ends[1]?.();
    expect(await results[3]).toBe('seen 4');
    await settled();
    expect(frames.map(({ closed }) => closed)).toEqual([1, 1, 1, 1]);
    expect(queue.statistics).toMatchObject({ done: 2, dropped: 2 });
    const later = queue.push(new Frame(5));
    expect(begun).toEqual([1, 4, 5]);
    ends[2]?.();
    expect(await later).toBe('seen 5');
  });

  it('goes on after work that fails, or that throws at once', async () => {
    const { ends, work } = manual();
    const queue = new FrameQueue((frame: Frame) => {
      if (frame.id === 2) throw new Error('at once');
      return work(frame);
    });
    const frames = [1, 2, 3].map((id) => new Frame(id));
    const first = queue.push(frames[0] ?? new Frame(0));
    const second = queue.push(frames[1] ?? new Frame(0));
    ends[0]?.(new Error('lost'));
    await expect(first).rejects.toThrow('lost');
    await expect(second).rejects.toThrow('at once');
    const third = queue.push(frames[2] ?? new Frame(0));
    ends[1]?.();
    expect(await third).toBe('seen 3');
    await settled();
    expect(frames.map(({ closed }) => closed)).toEqual([1, 1, 1]);
    expect(queue.statistics).toMatchObject({ done: 1, dropped: 0 });
  });

  it('drops all frames once it is stopped, but for the one in work', async () => {
    const { begun, ends, work } = manual();
    const controller = new AbortController();
    const queue = new FrameQueue(work, { signal: controller.signal });
    const frames = [1, 2, 3].map((id) => new Frame(id));
    const [first, second] = frames.slice(0, 2).map((frame) => queue.push(frame));
    controller.abort();
    expect(await second).toBeUndefined();
    expect(await queue.push(frames[2] ?? new Frame(0))).toBeUndefined();
    expect(frames.map(({ closed }) => closed)).toEqual([0, 1, 1]);
    ends[0]?.();
    expect(await first).toBe('seen 1');
    await settled();
    expect(begun).toEqual([1]);
    expect(frames.map(({ closed }) => closed)).toEqual([1, 1, 1]);
  });

  it('does nothing for a signal that was aborted before', async () => {
    const { begun, work } = manual();
    const queue = new FrameQueue(work, { signal: AbortSignal.abort() });
    const frame = new Frame(1);
    expect(await queue.push(frame)).toBeUndefined();
    expect([begun, frame.closed]).toEqual([[], 1]);
  });

  it('counts frames a second over the last thirty, and the time to a result', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
    const pauses = [...Array(10).fill(1000), ...Array(30).fill(40)];
    let at = 0;
    const queue = new FrameQueue(
      (_: object) => new Promise<void>((resolve) => setTimeout(resolve, pauses[at++])),
    );
    expect(queue.statistics).toEqual({ fps: 0, latencyMs: 0, done: 0, dropped: 0 });
    for (const pause of pauses) {
      const done = queue.push({});
      await vi.advanceTimersByTimeAsync(pause);
      await done;
    }
    const { fps, latencyMs, done } = queue.statistics;
    expect(fps).toBeCloseTo(25, 6);
    expect(latencyMs).toBeCloseTo(40, 6);
    expect(done).toBe(40);
  });

  it('takes frames that have nothing to close', async () => {
    const queue = new FrameQueue(async ({ width }: { readonly width: number }) => width);
    expect(await queue.push({ width: 3 })).toBe(3);
  });
});
