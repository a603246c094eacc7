import { checkArgument } from '../arguments.ts';
import { WeightError } from '../errors.ts';
import { type Graph, type Weight, weightsOf } from '../graph.ts';
import { removeUnread } from '../passes/remove_unread.ts';
import { formatShape, shapesEqual } from '../tensor.ts';
import { LARGEST_FLOAT16 } from './float_formats.ts';
import { clipped, quoted } from './messages.ts';
import type { TensorInfo, WeightSource } from './weight_source.ts';

const LISTED = 8;

type Tensors = ReadonlyMap<string, TensorInfo>;

/**
 * Checks that a source holds what a model needs: every weight that its outputs depend on, all of the right shape, and
 * nothing that is not the model's but PyTorch's `num_batches_tracked` counters, which inference does not use.
 *
 * Throws a WeightError where it is no source, and one that lists everything that does not fit.
 */
export function checkWeights(graph: Graph, source: WeightSource): void {
  const isSource = typeof source?.read === 'function';
  checkArgument(isSource, 'createSession: options.weights', 'a WeightSource', source, WeightError);
  const { tensors } = source;
  if (!tensors) return;
  const known = new Map(weightsOf(graph).map(({ name, desc }) => [name, desc.shape]));
  const missing = weightsOf(removeUnread(graph)).filter(({ name }) => !tensors.has(name));
  const unexpected: string[] = [];
  const misshapen: string[] = [];
  for (const [name, { shape }] of tensors) {
    const expected = known.get(name);
    const got = clipped(formatShape(shape));
    if (expected && !shapesEqual(shape, expected)) {
      misshapen.push(`${quoted(name)} expected ${formatShape(expected)}, got ${got}`);
    } else if (!expected && !name.endsWith('num_batches_tracked')) {
      unexpected.push(`${quoted(name)} ${got}`);
    }
  }
  const problems = [
    ...listed(
      'missing',
      missing.map(({ name, desc }) => `${quoted(name)} ${formatShape(desc.shape)}`),
    ),
    ...listed('unexpected', unexpected),
    ...listed('of the wrong shape', misshapen),
  ];
  if (problems.length === 0) return;
  const head = `weights "${source.name}" do not fit the model:`;
  const hints = [...prefixHint(missing, tensors), ...int8Hint(known, tensors)];
  throw new WeightError([head, ...problems, ...hints].join('\n  '));
}

/**
 * A warning if a tensor holds NaN or infinite values, which spread through a whole network:
 * `weight "conv1.weight" holds 3 value(s) that are NaN or infinite`.
 */
export function nonFiniteWarning(name: string, data: Float32Array): string | undefined {
  return warning(name, data, (value) => !Number.isFinite(value), 'that are NaN or infinite');
}

/**
 * A warning if what is to be stored as f16 has finite values beyond its range, which become its largest:
 * `weight "fc.weight" holds 2 value(s) beyond the range of f16, which are stored as 65504`.
 */
export function overflowWarning(name: string, data: Float32Array): string | undefined {
  return warning(
    name,
    data,
    (value) => Number.isFinite(value) && Math.abs(value) > LARGEST_FLOAT16,
    `beyond the range of f16, which are stored as ${LARGEST_FLOAT16}`,
  );
}

function warning(
  name: string,
  data: Float32Array,
  isOne: (value: number) => boolean,
  what: string,
): string | undefined {
  let count = 0;
  for (const value of data) if (isOne(value)) count++;
  return count > 0 ? `weight ${quoted(name)} holds ${count} value(s) ${what}` : undefined;
}

/** One line that counts the items and shows the first of them; no line for no items. */
function listed(kind: string, items: readonly string[]): readonly string[] {
  if (items.length === 0) return [];
  const rest = items.length > LISTED ? [`... and ${items.length - LISTED} more`] : [];
  return [`${items.length} ${kind}: ${[...items.slice(0, LISTED), ...rest].join(', ')}`];
}

/** Weights in int8 have their scales beside them. */
function int8Hint(known: ReadonlyMap<string, unknown>, tensors: Tensors): readonly string[] {
  const isScale = (name: string): boolean =>
    !known.has(name) &&
    name.endsWith('_scale') &&
    tensors.get(name.slice(0, -'_scale'.length))?.dtype === 'I8';
  return [...tensors.keys()].some(isScale)
    ? ['the file has int8 weights with their scales; read it by fromInt8(source)']
    : [];
}

/** Training wrappers (DataParallel, Lightning) put a prefix before every name. */
function prefixHint(missing: readonly Weight[], tensors: Tensors): readonly string[] {
  const names = [...tensors.keys()];
  const wanted = missing[0]?.name ?? '';
  const prefix = names
    .map((name) => (name.endsWith(`.${wanted}`) ? name.slice(0, -wanted.length) : ''))
    .find((start) => start && names.every((name) => name.startsWith(start)));
  return prefix
    ? [`every name in the file starts with ${quoted(prefix)}; save it without this prefix`]
    : [];
}
