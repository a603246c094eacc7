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

  it('throws what the work throws, and leaves no error scope behind', async () => {
    const { gpu } = device();
    const work = guarded(gpu, 'a broken kernel', () => {
      throw new RangeError('out of memory on the host');
    });
    await expect(work).rejects.toThrow(RangeError);
    await expect(gpu.popErrorScope()).rejects.toThrow();
  });
});
