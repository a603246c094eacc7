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

it('a thousand runs leave memory and GPU objects as they were', async () => {
  const watch = watchBuffers();
  using session = await createSession(device(), buildModel(findModel('lenet')), { weights });
  await runMany(session, 200);
  const objects = watch.live();
  const before = process.memoryUsage().rss;
  await runMany(session, 1000);
  expect(watch.live()).toBe(objects);
  // Garbage of encoders and promises comes and goes; a leak of one input a run would be 3 MB, of one
  // output buffer and command buffer many times that.
  const grown = process.memoryUsage().rss - before;
  console.log(`memory after 1000 runs: ${(grown / 1e6).toFixed(1)} MB more`);
  expect(grown).toBeLessThan(60e6);
});
