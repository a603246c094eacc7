/** Starts the contenders in turn, then runs them in turn: A B C A B C. */
import { setTimeout } from 'node:timers/promises';
import { statisticsOf } from '../../measure/statistics.ts';
import type { PeerResult } from '../results/reports.ts';
import type { Entry, Participant, Timing } from './contender.ts';

export interface Rounds {
  readonly starts: number;
  readonly runs: number;
  /** Libraries that disagree by more, of the largest logit, do not compute the same. */
  readonly tolerance: number;
}

/** What hears of each start and run when it is done. */
export type Note = (text: string) => void;

/** What was measured of one entry. */
interface Record {
  readonly entry: Entry;
  participant: Participant | undefined;
  readonly loads: number[];
  readonly firsts: number[];
  readonly runs: Timing[];
  logits: readonly number[];
}

/** Compares entries with the first of them. Throws where one gives other results. */
export async function compare(
  entries: readonly Entry[],
  { starts, runs, tolerance }: Rounds,
  beforeStarts: () => Promise<void>,
  note: Note,
): Promise<readonly PeerResult[]> {
  const records = entries.map(
    (entry): Record => ({
      entry,
      participant: undefined,
      loads: [],
      firsts: [],
      runs: [],
      logits: [],
    }),
  );
  try {
    for (let i = 0; i < starts; i++) {
      for (const record of records) await stop(record);
      await beforeStarts();
      for (const record of records) await named(record, start(record, note));
    }
    for (let i = 0; i < runs; i++) {
      for (const record of records) await named(record, run(record, note));
    }
    return records.map((record) => resultOf(record, records[0] ?? record, tolerance));
  } finally {
    for (const record of records) await stop(record);
  }
}

async function start(record: Record, note: Note): Promise<void> {
  record.participant = await record.entry.start();
  const load = await record.participant.load();
  const first = await record.participant.run();
  record.loads.push(load.ms);
  record.firsts.push(first.ms);
  record.logits = first.logits;
  note(
    `${nameOf(record.entry)}: load ${load.ms.toFixed(0)} ms, first run ${first.ms.toFixed(0)} ms`,
  );
}

async function stop(record: Record): Promise<void> {
  await record.participant?.close();
  record.participant = undefined;
}

/** Thread pools spin for a while after their work, and would take the next one's cores. */
const REST_MS = 200;

async function run(record: Record, note: Note): Promise<void> {
  if (!record.participant) return;
  await setTimeout(REST_MS);
  const { logits: _, ...timing } = await record.participant.run();
  record.runs.push(timing);
  note(`${nameOf(record.entry)}: ${timing.ms.toFixed(1)} ms`);
}

/** Says whose failure it is. */
async function named(record: Record, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${nameOf(record.entry)}: ${reason}`, { cause });
  }
}

function nameOf({ library, backend, host }: Entry): string {
  return `${library} ${backend} in ${host}`;
}

/** NaN where one is; a network may give more values than a call takes arguments. */
function largestOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function resultOf(record: Record, base: Record, tolerance: number): PeerResult {
  const { entry, loads, firsts, runs, logits } = record;
  const { library, version, host, backend } = entry;
  const apart = base.logits.map((value, i) => value - (logits[i] ?? Number.NaN));
  const difference = largestOf(apart) / largestOf(base.logits);
  if (!(difference <= tolerance)) {
    throw new Error(
      `${nameOf(entry)} gives other logits: they differ by ${difference} of the largest`,
    );
  }
  const ratios = runs.map(({ ms }, i) => ms / (base.runs[i]?.ms ?? Number.NaN));
  const cpu = runs.flatMap(({ cpuMs }) => cpuMs ?? []);
  const baseCpu = base.runs.flatMap(({ cpuMs }) => cpuMs ?? []);
  return {
    library,
    version,
    host,
    backend,
    load: statisticsOf(loads),
    firstRun: statisticsOf(firsts),
    coldStart: statisticsOf(loads.map((ms, i) => ms + (firsts[i] ?? Number.NaN))),
    run: statisticsOf(runs.map(({ ms }) => ms)),
    ratio: statisticsOf(ratios),
    ...(cpu.length > 0 && {
      cpu: statisticsOf(cpu),
      cpuRatio: statisticsOf(cpu.map((ms, i) => ms / (baseCpu[i] ?? Number.NaN))),
    }),
    difference,
  };
}
