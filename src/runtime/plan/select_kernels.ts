import { UnsupportedError } from '../errors.ts';
import type { Node } from '../graph.ts';
import { type DeviceProfile, describe, type KernelDef, type OpDef } from '../operator.ts';

export interface KernelChoice {
  readonly kernel: KernelDef;
  readonly config: object;
}

/** Asks for particular kernels by name, where they can compute the node; for tests and benchmarks. */
export type KernelPreference = (node: Node) => string | undefined;

/**
 * A kernel that is asked for; else one that is written for this kind of device, else one for any, else any.
 * In its first configuration; but kernels that say what they cost compete by that, in all configurations.
 */
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
  const choices = op.kernels
    .filter((kernel) => kernel.supports(node, device))
    .sort((a, b) => rank(a) - rank(b))
    .flatMap((kernel) => kernel.configs(node, device).map((config) => ({ kernel, config })));
  const [first] = choices;
  if (!first) {
    throw new UnsupportedError(
      `${describe(node)}: no kernel of this operator can run on this device`,
    );
  }
  const least = rank(first.kernel);
  const rivals = choices.filter(
    ({ kernel }) => rank(kernel) === least || (least === 1 && rank(kernel) === 2),
  );
  return cheapest(first, rivals, node, device);
}

function cheapest(
  first: KernelChoice,
  rivals: readonly KernelChoice[],
  node: Node,
  device: DeviceProfile,
): KernelChoice {
  const cost = ({ kernel, config }: KernelChoice): number =>
    kernel.cost?.(node, config, device) ?? Number.POSITIVE_INFINITY;
  if (!first.kernel.cost) return first;
  return rivals.reduce((best, rival) => (cost(rival) < cost(best) ? rival : best), first);
}
