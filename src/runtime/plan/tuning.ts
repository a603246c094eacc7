/** What was fastest on a device, by shapes of layers: found by `tune`, obeyed by the kernel choice. */

export interface TunedKernel {
  readonly kernel: string;
  readonly config: object;
}

/** Keys are those of `shapeKey`. */
export type Tuning = ReadonlyMap<string, TunedKernel>;

/** Changes whenever kernels change so much that old winners say nothing. */
const FORMAT = 2;

/** As text, to be kept between visits. */
export function tuningText(adapter: string, tuning: Tuning): string {
  return JSON.stringify({ format: FORMAT, adapter, winners: [...tuning] });
}

/**
 * What was kept, if it is of this format and for this adapter, whose name includes its driver's version; else
 * `undefined`. The text may come from anywhere: entries that are no winners are left out, and what they name is
 * only ever looked up among the kernels' own configurations.
 */
export function parseTuning(adapter: string, text: string): Tuning | undefined {
  const parsed = parseJson(text);
  if (!isObject(parsed) || parsed.format !== FORMAT || parsed.adapter !== adapter) return undefined;
  const winners: readonly unknown[] = Array.isArray(parsed.winners) ? parsed.winners : [];
  return new Map(
    winners.flatMap((entry): [string, TunedKernel][] => {
      const [key, winner] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
      if (typeof key !== 'string' || !isObject(winner)) return [];
      const { kernel, config } = winner;
      return typeof kernel === 'string' && isObject(config) ? [[key, { kernel, config }]] : [];
    }),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
