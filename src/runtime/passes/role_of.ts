import type { Value } from '../graph.ts';

/** The role that begins like this under which a value is among these inputs; it is put there if it is not. */
export function roleOf(inputs: Record<string, Value>, prefix: string, value: Value): string {
  const known = Object.keys(inputs).find(
    (role) => role.startsWith(prefix) && inputs[role] === value,
  );
  if (known !== undefined) return known;
  let number = 0;
  while (Object.hasOwn(inputs, `${prefix}${number}`)) number += 1;
  const role = `${prefix}${number}`;
  inputs[role] = value;
  return role;
}
