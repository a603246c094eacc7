import { type DeviceProfile, kindOf } from '../device_profile.ts';
import { present, UnsupportedError } from '../errors.ts';
import type { Node } from '../graph.ts';
import { shapeKey } from '../isolate.ts';
import type { Candidate } from '../kernel.ts';
import { describe } from '../operator.ts';
import { elementCount } from '../tensor.ts';
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

/** What a cost may be above the least: costs of kernels that were timed differ from their times by more. */
const NEARLY = 1.1;

/**
 * A kernel for each node. On GPUs a configuration that few nodes have gives way to those of others where these should
 * take nearly as long, since most are a pipeline each, which a driver compiles for 20 to 300 ms before the first run.
 */
export function selectKernels(
  nodes: readonly Node[],
  device: DeviceProfile,
  options: SelectOptions,
): ReadonlyMap<Node, Candidate> {
  const rivals = nodes.map((node) => rivalsOf(node, device, options));
  const chosen = rivals.map(([best]) => best);
  if (kindOf(device) === 'gpu') shareConfigurations(nodes, chosen, rivals);
  return new Map(nodes.map((node, i) => [node, present(chosen[i], 'candidate')]));
}

/**
 * Those that the fewest nodes have are the first to be spared, where every one of these nodes has another, of nodes for
 * which it should be the same program.
 */
function shareConfigurations(
  nodes: readonly Node[],
  chosen: (Candidate | undefined)[],
  rivals: readonly (readonly Candidate[])[],
): void {
  // What says no cost has no other choice, and attributes that may be anything.
  const programs = nodes.map((node, i) =>
    chosen[i]?.cost() === undefined ? String(i) : compiledIn(node),
  );
  const nameOf = (node: number, choice: Candidate | undefined): string =>
    JSON.stringify([programs[node], choice?.kernel, choice?.config]);
  const users = new Map<string, number[]>();
  const choose = (node: number, choice: Candidate | undefined): void => {
    const name = nameOf(node, choice);
    const others = users.get(name) ?? [];
    others.push(node);
    users.set(name, others);
    chosen[node] = choice;
  };
  for (const [node, choice] of chosen.entries()) choose(node, choice);
  for (const [name] of [...users].sort(([, a], [, b]) => a.length - b.length)) {
    const having = users.get(name) ?? [];
    users.delete(name);
    const others = having.map((node) =>
      rivals[node]?.find((rival) => users.has(nameOf(node, rival))),
    );
    const spared = others.every((other) => other);
    for (const [i, node] of having.entries()) choose(node, spared ? others[i] : chosen[node]);
  }
}

/** What most kernels compile in besides their configuration. */
function compiledIn({ attributes, inputs, output }: Node): string {
  const inFours = [...Object.values(inputs), output].map(
    ({ desc: { shape } }) => elementCount(shape.slice(2)) % 4 === 0,
  );
  return JSON.stringify([attributes, inFours]);
}

/** The kernel for a node by itself. */
export function selectKernel(
  node: Node,
  device: DeviceProfile,
  options: SelectOptions = {},
): Candidate {
  const [best] = rivalsOf(node, device, options);
  return present(best, 'candidate');
}

/**
 * A kernel that is asked for; else what was timed as the fastest; else one that is written for this kind of device,
 * else one for any, else any. In its first configuration; but kernels that say what they cost compete by that, in all
 * configurations; its own that cost nearly as little follow.
 */
function rivalsOf(
  node: Node,
  device: DeviceProfile,
  { preference, tuning }: SelectOptions,
): readonly Candidate[] {
  const candidates = node.op.candidates(node, device);
  const wanted = preference?.(node);
  const tuned = wanted === undefined && tunedCandidate(node, candidates, tuning);
  if (tuned) return [tuned];
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
  if (first.cost() === undefined) return [first];
  return cheapest(
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

/** The cheapest of those that say what they cost, and the same kernel where it costs nearly as little. */
function cheapest(rivals: readonly Candidate[]): readonly Candidate[] {
  const costs = rivals.flatMap((rival) => {
    const cost = rival.cost();
    return cost === undefined ? [] : [{ rival, cost }];
  });
  costs.sort((a, b) => a.cost - b.cost);
  const [least] = costs;
  return costs
    .filter(
      ({ rival, cost }) => rival.kernel === least?.rival.kernel && cost <= NEARLY * least.cost,
    )
    .map(({ rival }) => rival);
}
