/**
 * Assigns storages to few buffers. Whole buffers are shared, never ranges: WebGPU refuses a buffer that
 * is bound for reading and for writing in one dispatch, even at disjoint ranges.
 *
 * Greedy by size, after Pisarchyk and Lee, "Efficient memory management for deep neural net inference"
 * (2020), section 4: the largest storage first, into one of the buffers that are free during its life.
 * Or in the order of the schedule, into the free buffer that has to grow least. Which of several is best is a
 * matter of taste: all tastes are tried, and the smallest plan wins.
 */
import { MOST_COMPARED } from '../bounds.ts';
import type { Storage } from './storage.ts';

export interface MemoryPlan {
  /** What was to be placed. */
  readonly storages: readonly Storage[];
  /** The size of each buffer, in bytes. */
  readonly buffers: readonly number[];
  /** The buffer of each storage. */
  readonly bufferOf: readonly number[];
  /** Bytes of all buffers. */
  readonly bytes: number;
  /** Steps of the schedule. */
  readonly steps: number;
  /** No plan can do with less: the most bytes that are alive at one step. */
  readonly lowerBound: number;
}

interface SharedBuffer {
  readonly index: number;
  bytes: number;
  /** In the order of their lives, of which no two overlap. */
  readonly tenants: Storage[];
}

/** A buffer that is free during a storage's life: between two tenants, or after all, or before. */
interface Room {
  readonly buffer: SharedBuffer;
  /** Where the storage would stand among the tenants. */
  readonly at: number;
}

/** How badly a free buffer suits a storage; the least is taken. */
type Misfit = (room: Room, storage: Storage) => number;

interface Strategy {
  readonly before: (a: Storage, b: Storage) => number;
  readonly misfit: Misfit;
}

const bySize = (a: Storage, b: Storage): number => b.bytes - a.bytes;
const bySchedule = (a: Storage, b: Storage): number => a.firstStep - b.firstStep || bySize(a, b);

const STRATEGIES: readonly Strategy[] = [
  { before: bySize, misfit: smallest },
  { before: bySize, misfit: tightest },
  { before: bySchedule, misfit: smallest },
  { before: bySchedule, misfit: largest },
];

export function planMemory(storages: readonly Storage[]): MemoryPlan {
  const tried = storages.length > MOST_COMPARED ? STRATEGIES.slice(-1) : STRATEGIES;
  const plans = tried.map((strategy) => place(storages, strategy));
  return plans.reduce((best, plan) => (plan.bytes < best.bytes ? plan : best));
}

function place(storages: readonly Storage[], { before, misfit }: Strategy): MemoryPlan {
  const buffers: SharedBuffer[] = [];
  const bufferOf = new Map<Storage, number>();
  for (const storage of storages.toSorted(before)) {
    let best: Room | undefined;
    for (const buffer of buffers) {
      const room = roomIn(buffer, storage);
      if (room && (!best || suitsBetter(room, best, storage, misfit))) best = room;
    }
    const { buffer, at } = best ?? { buffer: newBuffer(buffers), at: 0 };
    buffer.bytes = Math.max(buffer.bytes, storage.bytes);
    buffer.tenants.splice(at, 0, storage);
    bufferOf.set(storage, buffer.index);
  }
  return {
    storages,
    buffers: buffers.map(({ bytes }) => bytes),
    bufferOf: storages.map((storage) => bufferOf.get(storage) ?? -1),
    bytes: buffers.reduce((sum, { bytes }) => sum + bytes, 0),
    steps: Math.max(0, ...storages.map(({ lastStep }) => lastStep)),
    lowerBound: mostAlive(storages),
  };
}

function newBuffer(buffers: SharedBuffer[]): SharedBuffer {
  const buffer = { index: buffers.length, bytes: 0, tenants: [] };
  buffers.push(buffer);
  return buffer;
}

/** By bisection: a buffer may have had thousands of tenants. */
function roomIn(buffer: SharedBuffer, { firstStep, lastStep }: Storage): Room | undefined {
  const { tenants } = buffer;
  let [at, end] = [0, tenants.length];
  while (at < end) {
    const middle = (at + end) >> 1;
    if ((tenants[middle]?.firstStep ?? 0) > lastStep) end = middle;
    else at = middle + 1;
  }
  const before = tenants[at - 1];
  return before && before.lastStep >= firstStep ? undefined : { buffer, at };
}

/** First of all in that it has to grow less: not at all, where the largest storages come first. */
function suitsBetter(a: Room, b: Room, storage: Storage, misfit: Misfit): boolean {
  const growth = ({ buffer }: Room): number => Math.max(0, storage.bytes - buffer.bytes);
  return (growth(a) - growth(b) || misfit(a, storage) - misfit(b, storage)) < 0;
}

/** Leaves small ones to small storages. */
function largest({ buffer }: Room): number {
  return -buffer.bytes;
}

/** Wastes the fewest bytes. */
function smallest({ buffer }: Room): number {
  return buffer.bytes;
}

/** More steps than any schedule has. */
const FOREVER = 2 ** 31;

/** Leaves the fewest steps idle before and after, and so keeps long gaps for storages that live long. */
function tightest({ buffer: { tenants }, at }: Room, { firstStep, lastStep }: Storage): number {
  const [before, after] = [tenants[at - 1], tenants[at]];
  return (
    (before ? firstStep - before.lastStep : FOREVER) +
    (after ? after.firstStep - lastStep : FOREVER)
  );
}

function mostAlive(storages: readonly Storage[]): number {
  const changes = new Map<number, number>();
  const change = (step: number, bytes: number): void => {
    changes.set(step, (changes.get(step) ?? 0) + bytes);
  };
  for (const { firstStep, lastStep, bytes } of storages) {
    change(firstStep, bytes);
    change(lastStep + 1, -bytes);
  }
  let [alive, most] = [0, 0];
  for (const [, bytes] of [...changes].sort(([a], [b]) => a - b)) {
    alive += bytes;
    most = Math.max(most, alive);
  }
  return most;
}
