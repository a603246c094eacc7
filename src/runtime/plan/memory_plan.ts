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
import { checkKinds } from '../kinds.ts';
import { sum } from '../sum.ts';
import type { Storage } from './storage.ts';

/** Which buffer holds what, when. */
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
}

interface SharedBuffer {
  readonly index: number;
  bytes: number;
  readonly tenants: Storage[];
}

/** How badly a free buffer suits a storage; the least is taken. */
type Misfit = (buffer: SharedBuffer, storage: Storage) => number;

interface Strategy {
  /** In the order of the schedule, the last tenant of a buffer is the only one that may be in the way of the next. */
  readonly inOrder: boolean;
  readonly misfit: Misfit;
}

const bySize = (a: Storage, b: Storage): number => b.bytes - a.bytes;
const bySchedule = (a: Storage, b: Storage): number => a.firstStep - b.firstStep || bySize(a, b);

/** In time that grows with the storages times the buffers, where largest first it grows with their square. */
const OF_MANY: Strategy = { inOrder: true, misfit: largest };
const STRATEGIES: readonly Strategy[] = [
  { inOrder: false, misfit: smallest },
  { inOrder: false, misfit: tightest },
  { inOrder: true, misfit: smallest },
  OF_MANY,
];

export function planMemory(storages: readonly Storage[]): MemoryPlan {
  const tried = storages.length > MOST_COMPARED ? [OF_MANY] : STRATEGIES;
  const plans = tried.map((strategy) => place(storages, strategy));
  return plans.reduce((best, plan) => (plan.bytes < best.bytes ? plan : best));
}

function place(storages: readonly Storage[], { inOrder, misfit }: Strategy): MemoryPlan {
  const buffers: SharedBuffer[] = [];
  const bufferOf = new Map<Storage, number>();
  for (const storage of storages.toSorted(inOrder ? bySchedule : bySize)) {
    let best: SharedBuffer | undefined;
    const compare = (a: SharedBuffer, b: SharedBuffer): number =>
      growth(a, storage) - growth(b, storage) || misfit(a, storage) - misfit(b, storage);
    for (const buffer of buffers) {
      const free = buffer.tenants.every((tenant) => !overlap(tenant, storage));
      if (free && (!best || compare(buffer, best) < 0)) best = buffer;
    }
    const buffer = best ?? { index: buffers.length, bytes: 0, tenants: [] };
    if (!best) buffers.push(buffer);
    buffer.bytes = Math.max(buffer.bytes, storage.bytes);
    if (inOrder) buffer.tenants.length = 0;
    buffer.tenants.push(storage);
    bufferOf.set(storage, buffer.index);
  }
  return {
    storages,
    buffers: buffers.map(({ bytes }) => bytes),
    bufferOf: storages.map((storage) => bufferOf.get(storage) ?? -1),
    bytes: sum(buffers.map(({ bytes }) => bytes)),
    steps: storages.reduce((steps, { lastStep }) => Math.max(steps, lastStep), 0),
  };
}

/** None where the largest come first. */
function growth({ bytes }: SharedBuffer, storage: Storage): number {
  return Math.max(0, storage.bytes - bytes);
}

/** Leaves small ones to small storages. */
function largest({ bytes }: SharedBuffer): number {
  return -bytes;
}

/** Wastes the fewest bytes. */
function smallest({ bytes }: SharedBuffer): number {
  return bytes;
}

/** More steps than any schedule has. */
const FOREVER = 2 ** 31;

/** Leaves the fewest steps idle before and after, and so keeps long gaps for storages that live long. */
function tightest({ tenants }: SharedBuffer, { firstStep, lastStep }: Storage): number {
  const before = tenants.map((tenant) => firstStep - tenant.lastStep).filter((gap) => gap > 0);
  const after = tenants.map((tenant) => tenant.firstStep - lastStep).filter((gap) => gap > 0);
  return Math.min(FOREVER, ...before) + Math.min(FOREVER, ...after);
}

function overlap(a: Storage, b: Storage): boolean {
  return a.firstStep <= b.lastStep && b.firstStep <= a.lastStep;
}

/**
 * Bytes without which no plan of whole buffers does: what is alive at one step lies in as many buffers, so that the
 * k-th largest buffer has to be as large as the k-th largest storage of each step.
 *
 * @param plan - Of a session, `session.plan.activations`.
 * @returns Bytes.
 * @throws TilewiseError for what is no plan.
 *
 * @example
 * const { activations } = session.plan;
 * console.log(activations.bytes / lowerBoundOf(activations)); // 1 where no plan is smaller
 */
export function lowerBoundOf(plan: Pick<MemoryPlan, 'storages'>): number {
  checkKinds('lowerBoundOf', { plan });
  const { storages } = plan;
  const most: number[] = [];
  for (const { firstStep } of storages) {
    const alive = storages.filter(
      (other) => other.firstStep <= firstStep && firstStep <= other.lastStep,
    );
    for (const [k, { bytes }] of alive.sort(bySize).entries()) {
      most[k] = Math.max(most[k] ?? 0, bytes);
    }
  }
  return sum(most);
}
