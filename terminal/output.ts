/** What commands print: results on stdout, everything else on stderr. */
import { stderr, stdout } from 'node:process';

/** One JSON object, on a line of its own. */
export function printJson(value: object): void {
  clearProgress();
  stdout.write(`${printable(JSON.stringify(value))}\n`);
}

export function print(text: string): void {
  clearProgress();
  stdout.write(`${printable(text)}\n`);
}

export function note(text: string): void {
  clearProgress();
  stderr.write(`${printable(text)}\n`);
}

/**
 * Text as a terminal may have it. Names of layers, files and labels come from outside, and may hold what moves the
 * cursor, renames the window, or turns the order of letters; such characters are written as `\u001b`, as in JSON.
 */
export function printable(text: string): string {
  return text.replace(COMMANDS, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}

/** Controls but for line feed and tab, marks of writing direction, separators of lines. */
const COMMANDS = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

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
  if (stderr.isTTY) stderr.write(`\r\x1b[K${printable(text)}`);
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
