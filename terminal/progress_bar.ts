/** A line on stderr that says how far long work has come, how fast it goes and how long it will take. */
import { stderr } from 'node:process';
import { clearProgress, progressLine } from './output.ts';

export interface ProgressBarOptions {
  readonly what: string;
  readonly total: number;
  /** Writes an amount, such as bytes; also the speed. */
  readonly format: (amount: number) => string;
}

const WIDTH = 24;
/** Between two drawings. */
const REST_MS = 100;

/** Draws nothing where stderr is no terminal. `print` and `note` may be used meanwhile. */
export class ProgressBar {
  readonly #options: ProgressBarOptions;
  readonly #begun = performance.now();
  /** What was done before the first update is no part of the speed. */
  #first: number | undefined;
  #drawn = Number.NEGATIVE_INFINITY;

  constructor(options: ProgressBarOptions) {
    this.#options = options;
  }

  update(done: number): void {
    this.#first ??= done;
    const now = performance.now();
    const { total } = this.#options;
    if (!stderr.isTTY || (now - this.#drawn < REST_MS && done < total)) return;
    this.#drawn = now;
    const line = this.#describe(done, done - this.#first, (now - this.#begun) / 1000);
    progressLine(line.slice(0, stderr.columns - 1));
  }

  close(): void {
    clearProgress();
  }

  /** `model.safetensors ██████░░░░ 60 %  61.5 MB of 102.5 MB  10.2 MB/s  4 s left` */
  #describe(done: number, recent: number, seconds: number): string {
    const { what, total, format } = this.#options;
    const share = total > 0 ? Math.min(1, done / total) : 1;
    const full = Math.round(share * WIDTH);
    const speed = recent / seconds;
    return [
      `${what} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${Math.floor(100 * share)} %`,
      `${format(done)} of ${format(total)}`,
      ...(speed > 0 ? [`${format(speed)}/s`, `${formatSeconds((total - done) / speed)} left`] : []),
    ].join('  ');
  }
}

/** `42 s`, `3 min 20 s`, `2 h 5 min` */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
