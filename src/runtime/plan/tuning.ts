/** What was fastest on a device, by shapes of layers: found by `tune`, obeyed by the kernel choice. */
import { checkKinds } from '../kinds.ts';

/** A kernel in a configuration. */
export interface TunedKernel {
  /** Its name. */
  readonly kernel: string;
  /** Its configuration. */
  readonly config: object;
}

/** Keys are those of `shapeKey`. */
export type Tuning = ReadonlyMap<string, TunedKernel>;

/** Changes whenever kernels change so much that old winners say nothing. */
const FORMAT = 4;

/**
 * As text, to be kept between starts under a key that says where the winners were timed.
 *
 * @param key - Of `tuningKey`.
 * @param tuning - What `tune` gave.
 * @throws TilewiseError for what is no Map.
 *
 * @example
 * const text = tuningText(tuningKey(device), new Map());
 */
export function tuningText(key: string, tuning: Tuning): string {
  checkKinds('tuningText', { key, tuning });
  return JSON.stringify({ format: FORMAT, key, winners: [...tuning] });
}

/**
 * What was kept, if it is of this format and under this key, else `undefined`. The text may come from anywhere: entries
 * that are no winners are left out, and what they name is only ever looked up among the kernels' own configurations.
 *
 * @param key - Of `tuningKey`.
 * @param text - What was kept.
 * @throws TilewiseError for what is no text.
 *
 * @example
 * const key = tuningKey(device);
 * const tuning = parseTuning(key, tuningText(key, new Map())); // an empty Map
 */
export function parseTuning(key: string, text: string): Tuning | undefined {
  checkKinds('parseTuning', { key, text });
  const parsed = parseJson(text);
  if (!isObject(parsed) || parsed.format !== FORMAT || parsed.key !== key) return undefined;
  const winners: readonly unknown[] = Array.isArray(parsed.winners) ? parsed.winners : [];
  return new Map(
    winners.flatMap((entry): [string, TunedKernel][] => {
      const [shape, winner] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
      if (typeof shape !== 'string' || !isObject(winner)) return [];
      const { kernel, config } = winner;
      return typeof kernel === 'string' && isObject(config) ? [[shape, { kernel, config }]] : [];
    }),
  );
}

/**
 * The key that a text was made for; `undefined` for what is none, or of another format.
 *
 * @param text - What was kept.
 * @throws TilewiseError for what is no text.
 *
 * @example
 * const key = tuningTextKey(tuningText(tuningKey(device), new Map()));
 */
export function tuningTextKey(text: string): string | undefined {
  checkKinds('tuningTextKey', { text });
  const parsed = parseJson(text);
  const known = isObject(parsed) && parsed.format === FORMAT && typeof parsed.key === 'string';
  return known ? (parsed.key as string) : undefined;
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
