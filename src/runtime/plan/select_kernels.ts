import { UnsupportedError } from '../errors.ts';
import type { Node } from '../graph.ts';
import { type DeviceProfile, describe, type KernelDef, type OpDef } from '../operator.ts';

export interface KernelChoice {
  readonly kernel: KernelDef;
  readonly config: object;
}

/** Asks for particular kernels by name, where they can compute the node; for tests and benchmarks. */
export type KernelPreference = (node: Node) => string | undefined;

/** The first kernel that can compute the node here, in its first configuration. */
export function selectKernel(
  node: Node,
  op: OpDef,
  device: DeviceProfile,
  preference?: KernelPreference,
): KernelChoice {
  const wanted = preference?.(node);
  const rank = (kernel: KernelDef): number => {
    if (kernel.name === wanted) return 0;
    if (kernel.prefers === device.kind) return 1;
    return kernel.prefers === undefined ? 2 : 3;
  };
  const kernels = [...op.kernels].sort((a, b) => rank(a) - rank(b));
  for (const kernel of kernels) {
    const config = kernel.supports(node, device) ? kernel.configs(node, device)[0] : undefined;
    if (config) return { kernel, config };
  }
  throw new UnsupportedError(
    `${describe(node)}: no kernel of this operator can run on this device`,
  );
}
