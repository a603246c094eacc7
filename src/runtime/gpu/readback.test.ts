import { describe, expect, it, vi } from 'vitest';
import { RUNS_IN_FLIGHT } from '../plan/compile.ts';
import { ReadbackRing } from './readback.ts';

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
  it('has a slot of one buffer an output for each run in flight, in turn', () => {
    const { buffers, device } = fakeDevice();
    const ring = ringOf(device, [40, 8]);
    const slots = Array.from({ length: RUNS_IN_FLIGHT }, () => ring.take());
    expect(new Set(slots).size).toBe(RUNS_IN_FLIGHT);
    for (const slot of slots) expect(slot.buffers.map(({ size }) => size)).toEqual([40, 8]);
    expect(buffers).toHaveLength(2 * RUNS_IN_FLIGHT);
    for (const slot of slots) expect(ring.take()).toBe(slot);
  });

  it('destroys its buffers, those in use too', () => {
    const { buffers, device } = fakeDevice();
    const ring = ringOf(device, [4]);
    ring.take();
    ring.dispose();
    for (const { destroy } of buffers) expect(destroy).toHaveBeenCalled();
  });
});
