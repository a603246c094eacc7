import { afterEach, describe, expect, it, vi } from 'vitest';
import { useDevice } from '../../../test/fixtures/device.ts';
import type { DeviceFamily } from '../device_profile.ts';
import type { Pipeline } from './pipeline_cache.ts';
import { warmUp } from './warm_up.ts';

const device = useDevice();

afterEach(() => {
  vi.restoreAllMocks();
});

const BINDINGS = [{ slot: 0, access: 'read_write' }] as const;

/** A pipeline that requires a buffer of so many elements. */
function pipelineOver(elements: number): Promise<Pipeline> {
  const source = `
@group(0) @binding(0) var<storage, read_write> y: array<f32, ${elements}>;

@compute @workgroup_size(1)
fn main() {
  y[0] = 1.0;
}`;
  return device().pipelines.get('test', source, BINDINGS);
}

/** The device as if it were of that family. */
function deviceAs(family: DeviceFamily): Parameters<typeof warmUp>[0] {
  const { gpu, profile } = device();
  return { gpu, profile: { ...profile, family } };
}

describe('warmUp', () => {
  // The fixture fails a test about which the GPU complains.
  it.each([
    ['of a kernel that runs on any buffer', 4],
    ['of a kernel that insists on a larger one', 4096],
  ])('runs the pipeline %s, and hides that it may not', async (_, elements) => {
    const pipeline = await pipelineOver(elements);
    const submit = vi.spyOn(device().gpu.queue, 'submit');
    warmUp(deviceAs('llvmpipe'), pipeline, BINDINGS);
    await device().gpu.queue.onSubmittedWorkDone();
    expect(submit).toHaveBeenCalledTimes(1);
  });

  it('does nothing on GPUs, whose drivers compile when they are asked to', async () => {
    const pipeline = await pipelineOver(4);
    const submit = vi.spyOn(device().gpu.queue, 'submit');
    warmUp(deviceAs('gpu'), pipeline, BINDINGS);
    expect(submit).not.toHaveBeenCalled();
  });
});
