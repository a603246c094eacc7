/** Figures and tables as Markdown. */
import type { MachineFacts } from '../../measure/machine.ts';
import type { Statistics } from '../../measure/statistics.ts';

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** `4.2 ms`, `512 ms`, `1.23 s` */
export function time(ms: number): string {
  if (ms < 1000) return `${ms < 100 ? Number(ms.toPrecision(2)) : ms.toFixed(0)} ms`;
  return `${(ms / 1000).toPrecision(3)} s`;
}

/** `1.4 (1.3 to 1.5)` */
export function ratio({ median, low, high }: Statistics): string {
  return `${digits(median)} (${digits(low)} to ${digits(high)})`;
}

/** `0.12`, `1.4`, `123` */
export function digits(value: number): string {
  return value < 100 ? value.toPrecision(2) : value.toFixed(0);
}

export function bytes(count: number): string {
  return count < 1e6 ? `${(count / 1e3).toFixed(0)} KB` : `${(count / 1e6).toFixed(1)} MB`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** `2026-11-24, Tilewise at 1baed2c; AMD EPYC, 2 cores, ...` */
export function facts(machine: MachineFacts, ...more: readonly string[]): string {
  const { date, commit, processor, cores, memoryGb, platform, node, loadAverage } = machine;
  return [
    commit === undefined ? date : `${date}, Tilewise at ${commit}`,
    `${processor}, ${cores} cores, ${memoryGb} GB, ${platform}`,
    [`Node ${node}`, ...more].join(', '),
    `load average at the end ${loadAverage.join(', ')}`,
  ].join('; ');
}

/** An adapter's name without versions and vendors, for the heads of columns and the names of files. */
export function shortName(adapter: string): string {
  const [name = adapter] = adapter.split(/[:(]/);
  return name.replace(/\b(driver\s+)?v?\d+(\.\d+)+/gi, '').trim();
}
