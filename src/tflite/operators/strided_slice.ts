/** Slices as NumPy writes them, `x[1:, ..., None, 0]`, in numbers and masks. */
import type { Call } from '../call.ts';
import { demand } from '../errors.ts';
import { TO_THE_END } from './ends.ts';

/** Fields of options, by their indices in TFLite's schema; each but the last has a bit for each entry. */
const FIELD = { begin: 0, end: 1, ellipsis: 2, added: 3, dropped: 4, relative: 5 };

/** What is done to one axis. */
interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Cuts of axes that there are, which of these go, and which of the result are new. */
interface Slices {
  readonly cuts: readonly Cut[];
  readonly dropped: readonly number[];
  readonly added: readonly number[];
}

export function stridedSlice(call: Call): string {
  const { cuts, dropped, added } = slicesOf(call);
  const of = (list: (cut: Cut) => number) => call.integers(cuts.map(list));
  let x = call.input(0);
  if (cuts.length > 0) {
    const bounds = [of((cut) => cut.start), of((cut) => cut.end)];
    x = call.node('Slice', [x, ...bounds, of((cut) => cut.axis), of((cut) => cut.step)]);
  }
  if (dropped.length > 0) x = call.node('Squeeze', [x, call.integers(dropped)]);
  if (added.length > 0) x = call.node('Unsqueeze', [x, call.integers(added)]);
  return x;
}

function slicesOf(call: Call): Slices {
  const begin = call.known(1, 'begin');
  const end = call.known(2, 'end');
  const steps = call.known(3, 'steps');
  const bit = (field: number, entry: number) => ((call.integer(field) >> entry) & 1) === 1;
  demand(begin.length <= 16, `slices ${begin.length} axes`);
  const entries = begin.map((_, entry) => entry);
  const named = entries.filter((entry) => !bit(FIELD.ellipsis, entry) && !bit(FIELD.added, entry));
  const cuts: Cut[] = [];
  const dropped: number[] = [];
  const added: number[] = [];
  let axis = 0;
  /** Of the result. */
  let place = 0;
  for (const entry of entries) {
    if (bit(FIELD.ellipsis, entry)) {
      const passed = call.rank() - named.length;
      axis += passed;
      place += passed;
      continue;
    }
    if (bit(FIELD.added, entry)) {
      added.push(place++);
      continue;
    }
    const from = begin[entry] ?? 0;
    const to = (end[entry] ?? 0) + (call.flag(FIELD.relative) ? from : 0);
    const open = { start: bit(FIELD.begin, entry), end: bit(FIELD.end, entry) };
    const single = isSingle(call, axis);
    if (!bit(FIELD.dropped, entry)) {
      cuts.push(partOf(axis, from, to, steps[entry] ?? 1, open, single));
      place++;
    } else {
      dropped.push(axis);
      // The only image of one is not the first of several.
      if (!single) cuts.push(onlyOf(axis, open.start ? 0 : from));
    }
    axis++;
  }
  return { cuts, dropped, added };
}

function partOf(
  axis: number,
  from: number,
  to: number,
  step: number,
  open: { readonly start: boolean; readonly end: boolean },
  single: boolean,
): Cut {
  const [first, last] = step > 0 ? [0, TO_THE_END] : [TO_THE_END, -TO_THE_END];
  // Images at a time may be more than the file says, where that is one.
  const isBatch = single && from === 0 && to === 1;
  return { axis, start: open.start ? first : from, end: open.end || isBatch ? last : to, step };
}

function onlyOf(axis: number, index: number): Cut {
  return { axis, start: index, end: index === -1 ? TO_THE_END : index + 1, step: 1 };
}

function isSingle(call: Call, axis: number): boolean {
  return axis === 0 && call.tensor(0).signature[0] === 1;
}
