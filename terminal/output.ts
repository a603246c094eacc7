/** What commands print: results on stdout, everything else on stderr. */
import { stderr, stdout } from 'node:process';

/** One JSON object, on a line of its own. */
export function printJson(value: object): void {
  clearProgress();
  stdout.write(`${JSON.stringify(value)}\n`);
}

export function print(text: string): void {
  clearProgress();
  stdout.write(`${text}\n`);
}

export function note(text: string): void {
  clearProgress();
  stderr.write(`${text}\n`);
}

/** Shows how far long work has come, and how long the rest may take. */
export function progress(
  what: string,
  done: number,
  total: number | undefined,
  remainingMs?: number,
): void {
  const share = total ? ` ${Math.floor((100 * done) / total)} %` : '';
  const left = remainingMs === undefined ? '' : `, ${formatDuration(remainingMs)} left`;
  const end = `${share}${left}`;
  // Where the line is too long for the terminal, the figures are what must be seen.
  progressLine(`${what.slice(0, Math.max(0, stderr.columns - 1 - end.length))}${end}`);
}

/** Writes over the line that was shown before; nothing where stderr is no terminal. */
export function progressLine(text: string): void {
  if (stderr.isTTY) stderr.write(`\r\x1b[K${text}`);
}

export function clearProgress(): void {
  if (stderr.isTTY) stderr.write('\r\x1b[K');
}

/** `12.3 ms`, `1.23 s` */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** `8 s`, `2 min 05 s`: for times that are guessed. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** `102.1 MB`, in powers of ten. */
export function formatBytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `8.1`, `812`, `1,281,167` */
export function formatCount(count: number): string {
  const digits = count < 100 && !Number.isInteger(count) ? 1 : 0;
  return count.toLocaleString('en-US', { maximumFractionDigits: digits });
}

/** `97.3 %` */
export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Rounds for JSON, to microseconds. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
