import type { ElementType, ElementTypes } from '../../shaders/lib/element_types.ts';
import type { Node } from '../runtime/graph.ts';
import { requireInput } from '../runtime/operator.ts';

/** How a node's output, and what it reads in these roles, are stored. */
export function elementTypesOf<Role extends string>(
  node: Node,
  ...roles: readonly Role[]
): ElementTypes<Role> {
  const entries = roles.map((role) => [role, requireInput(node, role).desc.dtype] as const);
  const read = Object.fromEntries(entries) as Readonly<Record<Role, ElementType>>;
  return { ...read, y: node.output.desc.dtype };
}
