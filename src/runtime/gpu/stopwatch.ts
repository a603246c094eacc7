/** How long work takes on the GPU. */
import type { Device, Opening } from './device.ts';

/** Records one piece of work into a pass. */
export type Work = (pass: GPUComputePassEncoder) => void;

/** Where times come from: the GPU's own clock, or the host's around one submit each, which adds its overhead. */
export type Clock = 'gpu' | 'host';

/** The clock that a device has: timestamp queries where they are supported. */
export function clockOf({ gpu }: Pick<Device, 'gpu'>): Clock {
  return gpu.features.has('timestamp-query') ? 'gpu' : 'host';
}

/** Runs pieces of work in order, each in a pass of its own, and returns their times in milliseconds. */
export async function timeEach(
  opening: Opening,
  works: readonly Work[],
): Promise<readonly number[]> {
  // Of views alone, nothing is dispatched, and no query set is empty.
  if (works.length === 0) return [];
  const timeBy = clockOf(opening) === 'gpu' ? timeByQueries : timeByHost;
  const times = await timeBy(opening, works);
  // All work is done on a lost device.
  if (opening.lost) throw opening.lost;
  return times;
}

const BYTES_PER_TIMESTAMP = 8;

async function timeByQueries({ gpu }: Opening, works: readonly Work[]): Promise<readonly number[]> {
  const count = 2 * works.length;
  const size = count * BYTES_PER_TIMESTAMP;
  const querySet = gpu.createQuerySet({ type: 'timestamp', count });
  const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
  const resolved = gpu.createBuffer({ label: 'timestamps', size, usage });
  const staging = gpu.createBuffer({
    label: 'timestamps, read back',
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  try {
    const encoder = gpu.createCommandEncoder();
    works.forEach((work, i) => {
      const timestampWrites = {
        querySet,
        beginningOfPassWriteIndex: 2 * i,
        endOfPassWriteIndex: 2 * i + 1,
      };
      const pass = encoder.beginComputePass({ timestampWrites });
      work(pass);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const stamps = new BigUint64Array(staging.getMappedRange());
    return works.map((_, i) => Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n)) / 1e6);
  } finally {
    querySet.destroy();
    resolved.destroy();
    staging.destroy();
  }
}

async function timeByHost({ gpu }: Opening, works: readonly Work[]): Promise<readonly number[]> {
  const times: number[] = [];
  for (const work of works) {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    work(pass);
    pass.end();
    const begun = performance.now();
    gpu.queue.submit([encoder.finish()]);
    await gpu.queue.onSubmittedWorkDone();
    times.push(performance.now() - begun);
  }
  return times;
}
