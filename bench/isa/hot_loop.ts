/** The loop of a shader that does most of its multiply-adds, and what each round of it is made of. */
import type { CodeLoop, MachineCode, Operation } from './machine_code.ts';

/** Operations of one round of a loop, by what executes them. */
export interface Loop extends Readonly<Record<Operation, number>> {
  /** Of issue: a dual instruction takes one. */
  readonly slots: number;
}

/** Of the innermost loops the one with most multiply-adds; undefined where nothing loops. */
export function hottestLoop(code: MachineCode): Loop | undefined {
  const loop = hottest(code);
  return loop && countOf(code, loop);
}

/**
 * Multiply-adds a slot of a whole step over k: of the loop that holds the hottest one and loads what that multiplies.
 * Where no loop holds it, and where the compiler has written out all of the inner one, of the hottest loop alone.
 *
 * @param multiplyAdds - Of an invocation in one step. They tell how often the inner loop is run through, of which
 *   compilers may have written out several rounds.
 */
export function stepRate(code: MachineCode, multiplyAdds: number): number | undefined {
  const loop = hottest(code);
  if (!loop) return undefined;
  const inner = countOf(code, loop);
  const [around] = code.loops
    .filter((other) => contains(other, loop))
    .sort((a, b) => a.size - b.size);
  if (!around || inner.multiplyAdds >= multiplyAdds) return inner.multiplyAdds / inner.slots;
  const outer = countOf(code, around);
  const rounds = (multiplyAdds - (outer.multiplyAdds - inner.multiplyAdds)) / inner.multiplyAdds;
  return multiplyAdds / (outer.slots - inner.slots + rounds * inner.slots);
}

function hottest(code: MachineCode): CodeLoop | undefined {
  const innermost = code.loops.filter((loop) => !code.loops.some((other) => contains(loop, other)));
  const work = (loop: CodeLoop): number => countOf(code, loop).multiplyAdds;
  return innermost.sort((a, b) => work(b) - work(a))[0];
}

/** Strictly. */
function contains(loop: CodeLoop, other: CodeLoop): boolean {
  return other.size < loop.size && [...other].every((at) => loop.has(at));
}

function countOf({ instructions }: MachineCode, loop: CodeLoop): Loop {
  const counts = {
    multiplyAdds: 0,
    vector: 0,
    workgroupMemory: 0,
    memory: 0,
    scalar: 0,
    slots: 0,
  };
  for (const at of loop) {
    const { operations = [], slots = 0 } = instructions[at] ?? {};
    for (const operation of operations) counts[operation]++;
    counts.slots += slots;
  }
  return counts;
}
