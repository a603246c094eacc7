import { type DeviceProfile, kindOf } from '../device_profile.ts';
import { UnsupportedError } from '../errors.ts';
import type { Node } from '../graph.ts';
import { shapeKey } from '../isolate.ts';
import type { Candidate } from '../kernel.ts';
import { describe } from '../operator.ts';
import type { Tuning } from './tuning.ts';

/**
 * Asks for particular kernels by name, where they can compute the node; for tests and benchmarks.
 *
 * @param node - Of the graph of the plan.
 */
export type KernelPreference = (node: Node) => string | undefined;

export interface SelectOptions {
  readonly preference?: KernelPreference | undefined;
  readonly tuning?: Tuning | undefined;
}

/**
 * A kernel that is asked for; else what was timed as the fastest; else one that is written for this kind of device,
 * else one for any, else any. In its first configuration; but kernels that say what they cost compete by that, in all
 * configurations.
 */
export function selectKernel(
  node: Node,
  device: DeviceProfile,
  { preference, tuning }: SelectOptions = {},
): Candidate {
  const candidates = node.op.candidates(node, device);
  const wanted = preference?.(node);
  const tuned = wanted === undefined && tunedCandidate(node, candidates, tuning);
  if (tuned) return tuned;
  const rank = ({ kernel, prefers }: Candidate): number => {
    if (kernel === wanted) return 0;
    if (prefers === kindOf(device)) return 1;
    return prefers === undefined ? 2 : 3;
  };
  const sorted = candidates.toSorted((a, b) => rank(a) - rank(b));
  const [first] = sorted;
  if (!first) {
    throw new UnsupportedError(
      `${describe(node)}: no kernel of this operator can run on this device`,
    );
  }
  const least = rank(first);
  return cheapest(
    first,
    sorted.filter((other) => rank(other) === least || (least === 1 && rank(other) === 2)),
  );
}

/** What was fastest when it was timed, as long as the kernel still offers it. */
function tunedCandidate(
  node: Node,
  candidates: readonly Candidate[],
  tuning: Tuning | undefined,
): Candidate | undefined {
  const winner = tuning?.size ? tuning.get(shapeKey(node)) : undefined;
  return winner && candidates.find((candidate) => isChoice(candidate, winner));
}

/** Whether a candidate is a kernel in a configuration. */
export function isChoice(
  { kernel, config }: Pick<Candidate, 'kernel' | 'config'>,
  choice: Pick<Candidate, 'kernel' | 'config'>,
): boolean {
  return kernel === choice.kernel && JSON.stringify(config) === JSON.stringify(choice.config);
}

function cheapest(first: Candidate, rivals: readonly Candidate[]): Candidate {
  let [best, least] = [first, first.cost()];
  if (least === undefined) return first;
  for (const rival of rivals) {
    const cost = rival.cost();
    if (cost !== undefined && cost < least) [best, least] = [rival, cost];
  }
  return best;
}
