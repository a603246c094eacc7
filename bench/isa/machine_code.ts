/** Machine code in the terms that GPUs of all makers share: what each instruction does, and where code is repeated. */

export type Operation =
  | 'multiplyAdds'
  /** Other arithmetic of lanes. */
  | 'vector'
  /** Loads and stores of workgroup memory. */
  | 'workgroupMemory'
  /** Loads and stores of buffers by lanes. */
  | 'memory'
  /** Arithmetic for all lanes at once, branches, waiting. */
  | 'scalar';

export interface Instruction {
  /** One, or several of a dual or repeated instruction. */
  readonly operations: readonly Operation[];
  /** Issue slots that it takes, with those that it leaves empty. */
  readonly slots: number;
}

/** Indices of the instructions that are repeated. */
export type CodeLoop = ReadonlySet<number>;

export interface MachineCode {
  /** In the order of their addresses. */
  readonly instructions: readonly Instruction[];
  readonly loops: readonly CodeLoop[];
}

/** A line of a listing: the name of a place, an instruction, or where the last one may jump to. */
export interface Line {
  /** Of the next instruction. */
  readonly label?: string | undefined;
  readonly instruction?: Instruction | undefined;
  /** Labels that this instruction, or the last one, may jump to. */
  readonly targets?: readonly string[] | undefined;
  /** Whether the next line never follows. */
  readonly jumps?: boolean | undefined;
}

/** What an instruction does, by the first pattern that its name matches. */
export type Patterns = readonly (readonly [RegExp, Operation])[];

/**
 * What a name's instruction does.
 *
 * @param others - What it is where no pattern matches.
 */
export function operationOf(name: string, patterns: Patterns, others: Operation): Operation {
  return patterns.find(([pattern]) => pattern.test(name))?.[1] ?? others;
}

/** With its natural loops (Aho, Sethi and Ullman, "Compilers"); several jumps to one place are one loop. */
export function codeOf(lines: readonly Line[]): MachineCode {
  const instructions: Instruction[] = [];
  const places = new Map<string, number>();
  const targetsOf: string[][] = [];
  const jumps = new Set<number>();
  for (const line of lines) {
    if (line.label !== undefined) places.set(line.label, instructions.length);
    if (line.instruction) instructions.push(line.instruction);
    const last = instructions.length - 1;
    if (line.targets) targetsOf[last] = [...(targetsOf[last] ?? []), ...line.targets];
    if (line.jumps) jumps.add(last);
  }
  const next = instructions.map((_, i): readonly number[] => {
    const targets = (targetsOf[i] ?? []).flatMap((target) => places.get(target) ?? []);
    return jumps.has(i) || i + 1 === instructions.length ? targets : [...targets, i + 1];
  });
  return { instructions, loops: naturalLoops(next) };
}

/** @param next - What may follow each instruction. */
function naturalLoops(next: readonly (readonly number[])[]): readonly CodeLoop[] {
  const before: number[][] = next.map(() => []);
  next.forEach((targets, from) => {
    for (const to of targets) before[to]?.push(from);
  });
  const loops = new Map<number, Set<number>>();
  for (const [from, head] of backEdges(next)) {
    loops.set(head, (loops.get(head) ?? new Set([head])).add(from));
  }
  for (const [head, loop] of loops) {
    // What leads to the jump without passing the head; a set's iterator goes on to what is added under way.
    for (const at of loop) {
      if (at !== head) for (const earlier of before[at] ?? []) loop.add(earlier);
    }
  }
  return [...loops.values()];
}

/** The edges of a depth-first search from the start that lead to where it is under way. */
function backEdges(next: readonly (readonly number[])[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  const seen = new Set([0]);
  const path = [{ at: 0, tried: 0 }];
  const underWay = new Set([0]);
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const to = next[top.at]?.[top.tried++];
    if (to === undefined) {
      underWay.delete(top.at);
      path.pop();
    } else if (underWay.has(to)) {
      found.push([top.at, to]);
    } else if (!seen.has(to)) {
      seen.add(to);
      underWay.add(to);
      path.push({ at: to, tried: 0 });
    }
  }
  return found;
}
