/** What is said of repeated timings. */

export interface Statistics {
  readonly median: number;
  /** The quartiles: half of the samples lie between them. */
  readonly low: number;
  readonly high: number;
  readonly samples: number;
}

/** Throws RangeError where there are no samples. */
export function statisticsOf(samples: readonly number[]): Statistics {
  return {
    median: quantile(samples, 0.5),
    low: quantile(samples, 0.25),
    high: quantile(samples, 0.75),
    samples: samples.length,
  };
}

/** The distance of the quartiles from one another, as a share of the median. */
export function spreadOf({ median, low, high }: Statistics): number {
  return median > 0 ? (high - low) / median : 0;
}

/** Interpolated linearly between the two samples next to the rank. Throws RangeError where there are none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = share * (sorted.length - 1);
  const below = sorted[Math.floor(rank)];
  const above = sorted[Math.ceil(rank)];
  if (below === undefined || above === undefined) throw new RangeError('there are no samples');
  return below + (rank - Math.floor(rank)) * (above - below);
}
