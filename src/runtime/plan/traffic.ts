/** What a dispatch reads and writes: its name within its layer, and its bytes. */
import { isConstant, type Node } from '../graph.ts';
import type { KernelDispatch, Lowering } from '../kernel.ts';
import { byteLength } from '../tensor.ts';

/** `x → fields`: the part of the node that a dispatch computes; undefined where it computes all. */
export function partOf(
  node: Node,
  { dispatches }: Lowering,
  { bindings }: KernelDispatch,
): string | undefined {
  if (dispatches.length === 1) return undefined;
  const isData = (role: string): boolean => {
    const value = node.inputs[role];
    return !value || !isConstant(value);
  };
  const named = (access: string): string =>
    bindings
      .filter((binding) => binding.access === access && isData(binding.value))
      .map(({ value }) => value)
      .join(', ');
  return `${named('read')} → ${named('read_write')}`;
}

/**
 * The bytes of what a dispatch binds, each tensor once: what it must move, whatever it reads again. Dispatches that
 * write one output together share it. `weightBytes` gives those of a constant as it is arranged.
 */
export function trafficOf(
  node: Node,
  { dispatches, scratch }: Lowering,
  { bindings }: KernelDispatch,
  overwritten: string | undefined,
  weightBytes: (role: string) => number,
): number {
  const writers = dispatches.filter((dispatch) =>
    dispatch.bindings.some(({ value }) => value === 'y'),
  ).length;
  const output = byteLength(node.output.desc);
  const bytesOf = (role: string): number => {
    if (role === 'y') return output / writers;
    const value = node.inputs[role];
    if (!value) return scratch?.[role] ?? 0;
    return isConstant(value) ? weightBytes(role) : byteLength(value.desc);
  };
  const roles = new Map(bindings.map(({ value: role }) => [node.inputs[role] ?? role, role]));
  const bound = [...roles.values()].reduce((sum, role) => sum + bytesOf(role), 0);
  // Bound once, but read and written.
  return overwritten === undefined ? bound : bound + output;
}
