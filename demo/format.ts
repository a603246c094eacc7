/** Figures for people. */

/** `102.1 MB`, decimal as download sizes are. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step === 0 ? value : value.toFixed(1)} ${units[step]}`;
}

/** `4.2 ms`, `1.3 s`: three figures at most. */
export function formatMs(ms: number): string {
  if (ms >= 999.5) return `${(ms / 1000).toPrecision(ms < 99_950 ? 3 : 4)} s`;
  return `${ms >= 99.95 ? Math.round(ms) : ms.toPrecision(2)} ms`;
}

/** `0.46`, `118`, `1.2e-4`: two figures, more where there are more before the point. */
export function formatFigure(value: number): string {
  return value >= 99.5 ? String(Math.round(value)) : value.toPrecision(2);
}

/** `97.3 %` */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
