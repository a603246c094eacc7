import type { Binding } from '../runtime/operator.ts';

/** Bindings from slot 0 on: what is read, a `null` leaving its slot out, and behind it what is written. */
export function inOrder(reads: readonly (string | null)[], writes: string): readonly Binding[] {
  const bound = reads.flatMap((value, slot): readonly Binding[] =>
    value === null ? [] : [{ slot, value, access: 'read' }],
  );
  return [...bound, { slot: reads.length, value: writes, access: 'read_write' }];
}
