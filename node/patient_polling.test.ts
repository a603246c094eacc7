import { afterEach, describe, expect, it, vi } from 'vitest';
import { useDevices } from '../test/fixtures/device.ts';
import { pollPatiently, type Timers } from './patient_polling.ts';

const open = useDevices();

afterEach(() => {
  vi.restoreAllMocks();
});

/** Time that passes when something is waited for. */
class FakeTimers implements Timers {
  readonly waited: string[] = [];
  #now = 1000;
  #next: (() => void) | undefined;

  setImmediate = (callback: () => void): void => this.#wait('immediate', 0.2, callback);
  setTimeout = (callback: () => void, ms: number): void => this.#wait('timer', ms, callback);
  now = (): number => this.#now;

  #wait(how: string, ms: number, callback: () => void): void {
    this.waited.push(how);
    this.#next = () => {
      this.#now += ms;
      callback();
    };
  }

  run(): void {
    for (let next = this.#next; next; next = this.#next) {
      this.#next = undefined;
      next();
    }
  }
}

/** Asks as Dawn's binding does, so many times. */
function fakeClasses(): { GPUBuffer: typeof FakeBuffer; constants: object } {
  return { GPUBuffer: class extends FakeBuffer {}, constants: { READ: 1 } };
}

class FakeBuffer {
  asked = 0;
  /** Of an event that the binding has while it is asked something. */
  listener = (): void => {};
}

/** As native code makes it. */
function native(callback: () => void): () => void {
  return Object.defineProperty(callback.bind(undefined), 'name', { value: '' });
}

function withMapAsync(classes: ReturnType<typeof fakeClasses>): void {
  Object.defineProperty(classes.GPUBuffer.prototype, 'mapAsync', {
    configurable: true,
    enumerable: true,
    writable: true,
    value(this: FakeBuffer, times: number) {
      const ask = native(() => {
        if (++this.asked < times) globalThis.setImmediate(ask);
      });
      this.listener();
      if (times < 0) throw new RangeError('refused');
      globalThis.setImmediate(ask);
      return 'a promise';
    },
  });
}

interface Mappable extends FakeBuffer {
  mapAsync(times: number): string;
}

function fakeBuffer(timers: Timers): {
  buffer: Mappable;
  polling: ReturnType<typeof pollPatiently>;
} {
  const classes = fakeClasses();
  withMapAsync(classes);
  const polling = pollPatiently(classes, timers);
  expect(pollPatiently(classes, timers)).toBe(polling);
  return { buffer: new classes.GPUBuffer() as Mappable, polling };
}

describe('pollPatiently', () => {
  it('asks at once for half a millisecond, then by timers', () => {
    const timers = new FakeTimers();
    const { buffer } = fakeBuffer(timers);
    expect(buffer.mapAsync(6)).toBe('a promise');
    timers.run();
    expect(buffer.asked).toBe(6);
    expect(timers.waited).toEqual([...Array(3).fill('immediate'), ...Array(3).fill('timer')]);
  });

  it('is eager for as long as the most eager one says', () => {
    const timers = new FakeTimers();
    const { buffer, polling } = fakeBuffer(timers);
    polling.eagerFor(0.9);
    polling.eagerFor(0.1);
    buffer.mapAsync(6);
    timers.run();
    expect(timers.waited).toEqual([...Array(5).fill('immediate'), 'timer']);
  });

  it('leaves setImmediate to programs as it was, also where a call throws', () => {
    const own = vi.spyOn(globalThis, 'setImmediate');
    const { setImmediate } = globalThis;
    const timers = new FakeTimers();
    const { buffer } = fakeBuffer(timers);
    buffer.mapAsync(3);
    expect(globalThis.setImmediate).toBe(setImmediate);
    timers.run();
    expect(() => buffer.mapAsync(-1)).toThrow('refused');
    expect(globalThis.setImmediate).toBe(setImmediate);
    expect(own).not.toHaveBeenCalled();
  });

  it('does for listeners of its events what the real setImmediate does', () => {
    const own = vi.spyOn(globalThis, 'setImmediate').mockReturnValue('a handle' as never);
    const { setImmediate } = globalThis;
    const timers = new FakeTimers();
    const { buffer } = fakeBuffer(timers);
    const callback = vi.fn();
    const replacement = vi.fn() as never;
    let handle: unknown;
    buffer.listener = () => {
      handle = globalThis.setImmediate(callback, 1, 2);
      Reflect.set(globalThis, 'setImmediate', replacement);
    };
    buffer.mapAsync(2);
    expect(globalThis.setImmediate).toBe(replacement);
    Reflect.set(globalThis, 'setImmediate', setImmediate);
    expect(own).toHaveBeenCalledExactlyOnceWith(callback, 1, 2);
    expect(handle).toBe('a handle');
  });

  it('leaves it to Dawn where the global object is frozen', () => {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'setImmediate');
    const value = vi.fn();
    Object.defineProperty(globalThis, 'setImmediate', { ...own, value, writable: false });
    try {
      const { buffer } = fakeBuffer(new FakeTimers());
      expect(buffer.mapAsync(2)).toBe('a promise');
      expect(value).toHaveBeenCalledOnce();
    } finally {
      Object.defineProperty(globalThis, 'setImmediate', own ?? {});
    }
  });

  it('knows all that Dawn awaits', async () => {
    const own = vi.spyOn(globalThis, 'setImmediate');
    const { gpu } = await open();
    gpu.pushErrorScope('validation');
    const module = gpu.createShaderModule({ code: '@compute @workgroup_size(1) fn main() {}' });
    await module.getCompilationInfo();
    await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module } });
    await gpu.popErrorScope();
    await gpu.queue.onSubmittedWorkDone();
    const buffer = gpu.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ });
    await buffer.mapAsync(GPUMapMode.READ);
    buffer.destroy();
    expect(own).not.toHaveBeenCalled();
  });
});
