/** What a dispatch reads and writes: its name within its layer, and its bytes. */

import { isConstant } from '../runtime/graph.ts';
import type { Binding, KernelDispatch } from '../runtime/kernel.ts';
import { checkKinds } from '../runtime/kinds.ts';
import type { ExecutionPlan, PlannedDispatch } from '../runtime/plan/compile.ts';
import { byteLength } from '../runtime/tensor.ts';

/**
 * `x → fields`: the part of the node that a dispatch computes; undefined where it computes all.
 *
 * @param dispatch - Of a plan.
 * @throws TilewiseError for what is no dispatch.
 *
 * @example
 * const parts = session.plan.dispatches.map((dispatch) => [dispatch.node.name, partOf(dispatch)] as const);
 */
export function partOf(dispatch: PlannedDispatch): string | undefined {
  checkKinds('partOf', { dispatch });
  const { node, lowering, lowered } = dispatch;
  if (lowering.dispatches.length === 1) return undefined;
  const isData = (role: string): boolean => {
    const value = node.inputs[role];
    return !value || !isConstant(value);
  };
  const named = (access: string): string =>
    usualBindings(lowered)
      .filter((binding) => binding.access === access && isData(binding.value))
      .map(({ value }) => value)
      .join(', ');
  return `${named('read')} → ${named('read_write')}`;
}

function usualBindings({ bindings, rarely = [] }: KernelDispatch): readonly Binding[] {
  return bindings.filter(({ value }) => !rarely.includes(value));
}

/**
 * The bytes of what a dispatch binds, each tensor once: what it must move, whatever it reads again. Dispatches that
 * write one output together share it.
 */
export function trafficOf(
  { weights }: Pick<ExecutionPlan, 'weights'>,
  { node, lowering, lowered, overwritten, bindings }: PlannedDispatch,
): number {
  const writers = lowering.dispatches.filter((dispatch) =>
    dispatch.bindings.some(({ value }) => value === 'y'),
  ).length;
  const output = byteLength(node.output.desc);
  // A constant has as many as its arrangement.
  const weightBytes = (slot: number): number => {
    const buffer = bindings.find((bound) => bound.slot === slot)?.buffer;
    return weights[buffer?.index ?? -1]?.bytes ?? 0;
  };
  const bytesOf = (role: string, slot: number): number => {
    if (role === 'y') return output / writers;
    const value = node.inputs[role];
    if (!value) return lowering.scratch?.[role] ?? 0;
    return isConstant(value) ? weightBytes(slot) : byteLength(value.desc);
  };
  const tensors = new Map(
    usualBindings(lowered).map(({ value: role, slot }) => [
      node.inputs[role] ?? role,
      { role, slot },
    ]),
  );
  const bound = [...tensors.values()].reduce((sum, { role, slot }) => sum + bytesOf(role, slot), 0);
  // Bound once, but read and written.
  return overwritten === undefined ? bound : bound + output;
}
