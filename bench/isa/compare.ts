/** What compilers make of a plan's kernels now, beside what they made of them before. */
import type { Row } from './row.ts';

/** Of a layer's pipeline on a GPU. */
export interface Change {
  readonly gpu: string;
  readonly layer: string;
  /** `spills`, `waves`, ... */
  readonly what: string;
  readonly before: number;
  readonly after: number;
  readonly worse: boolean;
}

export interface Comparison {
  /** Pipelines that both have. */
  readonly compared: number;
  /** `gpu layer` of pipelines that only one of both has. */
  readonly added: readonly string[];
  readonly gone: readonly string[];
  readonly changes: readonly Change[];
}

/** Compilers that order instructions anew move these by as much. */
const NOISE = 0.02;

interface Figure {
  readonly what: string;
  /** Undefined where it was not asked for, or nothing loops so. */
  readonly of: (row: Row) => number | undefined;
  /** Whether less of it is better. */
  readonly less?: boolean;
}

/** Registers are none: what they cost is waves and spills. */
const FIGURES: readonly Figure[] = [
  { what: 'spills', of: ({ spills }) => spills, less: true },
  { what: 'waves', of: ({ waves }) => waves },
  { what: 'fma/slot', of: ({ loop }) => loop?.perSlot ?? 0 },
  { what: 'fma/slot of a step', of: ({ loop }) => loop?.perStepSlot ?? undefined },
  { what: 'fma/load', of: ({ loop }) => loop?.perLoad ?? 0 },
];

/**
 * Compares what plans run; candidates that they do not choose are left out.
 *
 * @param before - Of an earlier `--json`.
 * @param after - Of now.
 */
export function compareRows(before: readonly Row[], after: readonly Row[]): Comparison {
  const old = byPipeline(before);
  const now = byPipeline(after);
  const both = [...now].flatMap(([key, row]) => {
    const earlier = old.get(key);
    return earlier ? [[earlier, row] as const] : [];
  });
  return {
    compared: both.length,
    added: [...now.keys()].filter((key) => !old.has(key)),
    gone: [...old.keys()].filter((key) => !now.has(key)),
    changes: both.flatMap(([earlier, row]) => changesOf(earlier, row)),
  };
}

/** By `gpu layer`, and by number where a layer has several, as Winograd's have. */
function byPipeline(rows: readonly Row[]): ReadonlyMap<string, Row> {
  const found = new Map<string, Row>();
  for (const row of rows.filter(({ chosen }) => chosen)) {
    const name = `${row.gpu} ${row.layer}`;
    let key = name;
    for (let n = 2; found.has(key); n++) key = `${name} (${n})`;
    found.set(key, row);
  }
  return found;
}

function changesOf(earlier: Row, row: Row): readonly Change[] {
  const { gpu, layer } = row;
  return FIGURES.flatMap(({ what, of, less = false }) => {
    const [before, after] = [of(earlier), of(row)];
    if (before === undefined || after === undefined) return [];
    if (Math.abs(after - before) <= NOISE * Math.max(before, after)) return [];
    return [{ gpu, layer, what, before, after, worse: less === after > before }];
  });
}

/**
 * Reads what `--json` printed: a line a pipeline.
 *
 * @throws Error that names the line, where one is none, or the file, where there is no line.
 */
export function parseRows(text: string, file: string): readonly Row[] {
  const rows = text
    .split('\n')
    .flatMap((line, i) => (line.trim() ? [parseRow(line, `${file}, line ${i + 1}`)] : []));
  if (rows.length > 0) return rows;
  throw new Error(`${file}: no pipelines; --compare takes what bench:isa --json printed`);
}

function parseRow(line: string, where: string): Row {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw new Error(`${where}: no JSON; --compare takes what --json printed`, { cause });
  }
  const { gpu, layer, chosen, spills, waves, loop } = (row ?? {}) as Partial<Row>;
  const texts = [gpu, layer].every((value) => typeof value === 'string');
  const figures = [spills, waves, ...(loop ? [loop.perSlot, loop.perLoad] : [])];
  const step = loop?.perStepSlot ?? 0;
  const numbers = [...figures, step].every((value) => typeof value === 'number');
  if (!texts || !numbers || typeof chosen !== 'boolean') {
    throw new Error(`${where}: no pipeline; --compare takes what bench:isa --json printed`);
  }
  return row as Row;
}
