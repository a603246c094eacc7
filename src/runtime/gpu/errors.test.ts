import { describe, expect, it } from 'vitest';
import { useDevice } from '../../../test/fixtures/device.ts';
import { GpuError, guarded } from './errors.ts';

const device = useDevice();

describe('guarded', () => {
  it('gives back what the work returns', async () => {
    expect(await guarded(device().gpu, 'nothing', () => 7)).toBe(7);
  });

  it('throws what the GPU refuses, with what was being done', async () => {
    const work = guarded(device().gpu, 'weight "conv1.weight"', () =>
      device().gpu.createBuffer({ size: 4, usage: 0xffff }),
    );
    await expect(work).rejects.toThrow(GpuError);
    await expect(work).rejects.toThrow(/^weight "conv1.weight": .*usage/is);
  });

  it('says that memory ran out', async () => {
    const scopes: string[] = [];
    const full = {
      pushErrorScope: (filter: string) => scopes.push(filter),
      popErrorScope: async () =>
        scopes.pop() === 'out-of-memory' ? { message: 'no 9 bytes left' } : null,
    } as unknown as GPUDevice;
    const work = guarded(full, 'weight "fc.weight"', () => 7);
    await expect(work).rejects.toThrow(
      new GpuError('weight "fc.weight": out of GPU memory; no 9 bytes left'),
    );
    expect(scopes).toEqual([]);
  });

  it('throws what the work throws, and leaves no error scope behind', async () => {
    const { gpu } = device();
    const work = guarded(gpu, 'a broken kernel', () => {
      throw new RangeError('out of memory on the host');
    });
    await expect(work).rejects.toThrow(RangeError);
    await expect(gpu.popErrorScope()).rejects.toThrow();
  });
});
