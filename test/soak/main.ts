/**
 * `npm run test:soak`: random graphs in random use for TILEWISE_SOAK_MINUTES (30) on the adapter of TILEWISE_ADAPTER,
 * from the seed TILEWISE_SOAK_SEED (1): see docs/reliability.md. Ends with exit code 1 where a result is wrong, an
 * error has no reason, anything hangs, GPU objects are left, or memory grows.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { openNodeGpu } from '../../node/gpu.ts';
import { Device } from '../../src/index.ts';
import { formatTable } from '../../terminal/table.ts';
import { watchGpu } from '../fixtures/watched_gpu.ts';
import { growth, loadTrim, type MemorySample, sampleMemory } from './memory.ts';
import { soakRound } from './round.ts';
import { Tally } from './tally.ts';

const PROGRESS_MS = 30_000;
/** What was aborted is rejected at once, and ends by itself: by then it has freed all that it made. */
const ENDS_MS = 10_000;
/** How much more memory the last quarter may take than the second, as a share. */
const MOST_GROWTH = 0.05;

const minutes = Number(process.env.TILEWISE_SOAK_MINUTES ?? 30);
const firstSeed = Number(process.env.TILEWISE_SOAK_SEED ?? 1);

const node = await openNodeGpu(process.env.TILEWISE_ADAPTER);
const { live, made, errors } = watchGpu();
const tally = new Tally();
const samples: MemorySample[] = [];
const begun = performance.now();
const trim = loadTrim();
console.log(`${minutes} minutes on ${node.facts.name}, from seed ${firstSeed}`);
console.log(
  trim
    ? 'before memory is read, the allocator gives back what is free'
    : 'without a C compiler and glibc: memory that is free, but kept by the allocator, counts as growth',
);

let told = begun;
let seed = firstSeed;
try {
  for (; performance.now() - begun < minutes * 60_000; seed++) {
    await round();
    samples.push(await sampleMemory(trim));
    if (performance.now() - told < PROGRESS_MS) continue;
    told = performance.now();
    console.log(progress());
  }
  report();
} catch (error) {
  process.exitCode = 1;
  console.error(error);
  console.error(
    `${progress()}\nfailed; to see it again: TILEWISE_SOAK_SEED=${seed} npm run test:soak`,
  );
}

/** One device, from opening it to disposing of it, with nothing left of what was made on it. */
async function round(): Promise<void> {
  using device = await Device.open(node.gpu);
  await soakRound(device, seed, tally);
  const ends = performance.now() + ENDS_MS;
  while (live.size > 0 && performance.now() < ends) await pause(10);
  if (live.size > 0) {
    tally.add('objects left', live.size);
    throw new Error(`${live.size} objects are left: ${[...new Set(live.values())].join(', ')}`);
  }
  if (errors.length > 0) throw new Error(`the GPU complains: ${errors.join('; ')}`);
}

function progress(): string {
  const passed = Math.round((performance.now() - begun) / 1000);
  const { rss = 0, heap = 0 } = samples.at(-1) ?? {};
  const counts = ['rounds', 'runs', 'losses of the device'].map((of) => `${tally.of(of)} ${of}`);
  const memory = `${megabytes(rss)} MB, of which JavaScript ${megabytes(heap)} MB`;
  return `${passed} s, seed ${seed}: ${counts.join(', ')}, ${memory}`;
}

function report(): void {
  tally.add('GPU objects made and destroyed', made());
  console.log(`\n${formatTable(['what', 'count'], tally.rows)}`);
  const kinds = [
    ['process (RSS)', samples.map(({ rss }) => rss)],
    ['JavaScript, with its arrays', samples.map(({ heap }) => heap)],
  ] as const;
  const grown = kinds.map(([kind, values]) => ({ kind, ...growth(values) }));
  const rows = grown.map(({ kind, quarters, share }) => [
    kind,
    ...quarters.map(megabytes),
    `${(100 * share).toFixed(1)} %`,
  ]);
  const head = ['MB after garbage collection', 'quarter 1', '2', '3', '4', '4 above 2'];
  console.log(`\n${formatTable(head, rows)}`);
  const much = grown.filter(({ share }) => !(share <= MOST_GROWTH));
  if (much.length > 0) process.exitCode = 1;
  const verdict =
    much.length === 0
      ? 'passed: nothing was wrong, left over or grown'
      : `failed: memory grows: ${much.map(({ kind }) => kind).join(', ')}`;
  console.log(`\n${verdict}`);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
