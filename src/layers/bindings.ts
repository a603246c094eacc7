import type { Binding } from '../runtime/kernel.ts';

/** Bindings from slot 0 on: what is read, a `null` leaving its slot out, and after that what is written. */
export function inOrder<R extends string>(
  reads: readonly (R | null)[],
  writes: R | 'y',
): readonly Binding<R>[] {
  const bound = reads.flatMap((value, slot): readonly Binding<R>[] =>
    value === null ? [] : [{ slot, value, access: 'read' }],
  );
  return [...bound, { slot: reads.length, value: writes, access: 'read_write' }];
}
