import { UnsupportedError } from '../errors.ts';
import type { Node } from '../graph.ts';
import { shapeKey } from '../isolate.ts';
import { type DeviceProfile, describe, type KernelDef, type OpDef } from '../operator.ts';
import type { Tuning } from './tuning.ts';

export interface KernelChoice {
  readonly kernel: KernelDef;
  readonly config: object;
}

/** Asks for particular kernels by name, where they can compute the node; for tests and benchmarks. */
export type KernelPreference = (node: Node) => string | undefined;

export interface SelectOptions {
  readonly preference?: KernelPreference | undefined;
  readonly tuning?: Tuning | undefined;
}

/** What was fastest when it was timed, as long as the kernel still offers it. */
function tunedChoice(
  node: Node,
  op: OpDef,
  device: DeviceProfile,
  tuning: Tuning | undefined,
): KernelChoice | undefined {
  const winner = tuning?.get(shapeKey(node));
  const kernel = op.kernels.find(({ name }) => name === winner?.kernel);
  if (!winner || !kernel?.supports(node, device)) return undefined;
  const text = JSON.stringify(winner.config);
  const config = kernel.configs(node, device).find((offered) => JSON.stringify(offered) === text);
  return config && { kernel, config };
}

/**
 * A kernel that is asked for; else one that was timed as the fastest; else one that is written for this kind of device, else one for any, else any.
 * In its first configuration; but kernels that say what they cost compete by that, in all configurations.
 */
export function selectKernel(
  node: Node,
  op: OpDef,
  device: DeviceProfile,
  { preference, tuning }: SelectOptions = {},
): KernelChoice {
  const tuned = preference?.(node) === undefined && tunedChoice(node, op, device, tuning);
  if (tuned) return tuned;
  const wanted = preference?.(node);
  const rank = (kernel: KernelDef): number => {
    if (kernel.name === wanted) return 0;
    if (kernel.prefers === device.kind) return 1;
    return kernel.prefers === undefined ? 2 : 3;
  };
  const choices = choicesOf(node, op, device).sort((a, b) => rank(a.kernel) - rank(b.kernel));
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

/** Every kernel that can compute the node on the device, in every configuration. */
export function choicesOf(node: Node, op: OpDef, device: DeviceProfile): KernelChoice[] {
  return op.kernels
    .filter((kernel) => kernel.supports(node, device))
    .flatMap((kernel) => kernel.configs(node, device).map((config) => ({ kernel, config })));
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
