/** When stages of work ran, and which at the same time. */

/** In milliseconds. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** The same times without overlaps, in order. */
export function union(intervals: readonly Interval[]): readonly Interval[] {
  const merged: Interval[] = [];
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && from <= last.to) {
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, to) };
    } else merged.push({ from, to });
  }
  return merged;
}

/** How long any of them lasts. */
export function durationOf(intervals: readonly Interval[]): number {
  return union(intervals).reduce((sum, { from, to }) => sum + to - from, 0);
}

/** How long one of these and one of those last at the same time. */
export function overlapOf(these: readonly Interval[], those: readonly Interval[]): number {
  return durationOf(these) + durationOf(those) - durationOf([...these, ...those]);
}
