import { describe, expect, it, vi } from 'vitest';
import { RUNS_IN_FLIGHT } from '../plan/compile.ts';
import { ReadbackRing, type ReadbackSlot } from './readback.ts';

vi.stubGlobal('GPUBufferUsage', { MAP_READ: 1, COPY_DST: 8 });

function fakeDevice() {
  const buffers: { size: number; destroy: () => void }[] = [];
  const createBuffer = ({ size }: GPUBufferDescriptor) => {
    const buffer = { size, destroy: vi.fn() };
    buffers.push(buffer);
    return buffer;
  };
  return { buffers, device: { createBuffer } as unknown as GPUDevice };
}

function ringOf(device: GPUDevice, bytes: readonly number[]): ReadbackRing {
  const ring = new ReadbackRing();
  ring.allocate(device, bytes);
  return ring;
}

describe('ReadbackRing', () => {
  it('has a slot of one buffer an output for each run in flight', async () => {
    const { buffers, device } = fakeDevice();
    const ring = ringOf(device, [40, 8]);
    const slots = await Promise.all(Array.from({ length: RUNS_IN_FLIGHT }, () => ring.acquire()));
    expect(new Set(slots).size).toBe(RUNS_IN_FLIGHT);
    for (const slot of slots) expect(slot.buffers.map(({ size }) => size)).toEqual([40, 8]);
    expect(buffers).toHaveLength(2 * RUNS_IN_FLIGHT);
  });

  it('serves those who wait in the order in which they came', async () => {
    const ring = ringOf(fakeDevice().device, [4]);
    const taken = await Promise.all(Array.from({ length: RUNS_IN_FLIGHT }, () => ring.acquire()));
    const served: string[] = [];
    const wait = async (name: string): Promise<ReadbackSlot> => {
      const slot = await ring.acquire();
      served.push(name);
      return slot;
    };
    const waiting = [wait('first'), wait('second')];
    await Promise.resolve();
    expect(served).toEqual([]);
    for (const slot of taken) ring.release(slot);
    await Promise.all(waiting);
    expect(served).toEqual(['first', 'second']);
  });

  it('destroys its buffers, those in use too', async () => {
    const { buffers, device } = fakeDevice();
    const ring = ringOf(device, [4]);
    await ring.acquire();
    ring.dispose();
    for (const { destroy } of buffers) expect(destroy).toHaveBeenCalled();
  });
});
