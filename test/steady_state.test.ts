import { afterEach, expect, it, vi } from 'vitest';
import {
  buildModel,
  createSession,
  elementCount,
  findModel,
  type Session,
  syntheticInput,
  syntheticWeights,
} from '../src/index.ts';
import { useDevice } from './fixtures/device.ts';
import { type MemorySample, median, sampleMemory } from './soak/memory.ts';

const device = useDevice();
const weights = syntheticWeights([]);

afterEach(() => {
  vi.restoreAllMocks();
});

/** Watches the buffers of a device: their bytes, less those that were destroyed. */
function watchBuffers(): { readonly live: () => number; readonly bytes: () => number } {
  const { gpu } = device();
  const buffers = new Map<GPUBuffer, number>();
  const createBuffer = gpu.createBuffer.bind(gpu);
  vi.spyOn(gpu, 'createBuffer').mockImplementation((descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    buffers.set(buffer, descriptor.size);
    vi.spyOn(buffer, 'destroy').mockImplementation(() => {
      buffers.delete(buffer);
      destroy();
    });
    return buffer;
  });
  return {
    live: () => buffers.size,
    bytes: () => [...buffers.values()].reduce((sum, size) => sum + size, 0),
  };
}

async function runMany(session: Session, count: number): Promise<void> {
  const input = syntheticInput(session.inputs[0]?.shape ?? []);
  const logits = new Float32Array(elementCount(session.outputs[0]?.shape ?? []));
  for (let i = 0; i < count; i++) await session.run(input, { into: { logits } });
}

it.each(['lenet', 'resnet50'])('%s takes to the byte what its plan says', async (name) => {
  const model = findModel(name);
  const size = name === 'resnet50' ? ([64, 64] as const) : model.size;
  const watch = watchBuffers();
  const session = await createSession(device(), buildModel(model, { size }), { weights });
  expect(watch.bytes()).toBe(session.memory.total);
  expect(session.memory).toEqual(session.plan.memory);
  session.dispose();
  expect(watch.live()).toBe(0);
});

it('runs leave memory and GPU objects as they were', async () => {
  const watch = watchBuffers();
  using session = await createSession(device(), buildModel(findModel('lenet')), { weights });
  await runMany(session, 200);
  const objects = watch.live();
  // What leaks grows in every round: JavaScript's part by one input a run or more, the driver's by a command buffer or
  // an encoder, many times that. What allocators and drivers keep grows in most of the first thousand runs, and then
  // in some: so the median of five rounds tells them apart.
  const input = 4 * elementCount(session.inputs[0]?.shape ?? []);
  const most: MemorySample = { heap: 200 * input, rss: 4 * 200 * input };
  const samples = [await sampleMemory()];
  const grown = (part: keyof MemorySample) =>
    samples.slice(1).map((sample, i) => sample[part] - (samples[i]?.[part] ?? 0));
  const flat = (part: keyof MemorySample) => median(grown(part).slice(-5)) < most[part];
  do {
    await runMany(session, 200);
    samples.push(await sampleMemory());
  } while (samples.length < 6 || (samples.length < 40 && !(flat('heap') && flat('rss'))));
  expect(watch.live()).toBe(objects);
  for (const part of ['heap', 'rss'] as const) {
    const megabytes = grown(part).map((bytes) => (bytes / 1e6).toFixed(1));
    console.log(`${part} after rounds of 200 runs: ${megabytes.join(', ')} MB more`);
    expect(flat(part), part).toBe(true);
  }
});
