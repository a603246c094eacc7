/** The loop of a shader that does most of its multiply-adds, and what each round of it is made of. */
import type { Block, Instruction, MachineCode } from './machine_code.ts';

/** Instructions of one round of a loop, by what executes them. */
export interface Loop {
  readonly multiplyAdds: number;
  /** Other vector arithmetic. */
  readonly vector: number;
  /** Loads and stores of workgroup memory. */
  readonly workgroupMemory: number;
  /** Loads and stores of buffers by lanes. */
  readonly memory: number;
  /** Scalar arithmetic, branches, scalar loads. */
  readonly scalar: number;
  /** Instructions issued: a dual one counts once. */
  readonly slots: number;
}

type Kind = Exclude<keyof Loop, 'slots'>;

/** In this order; what matches none is scalar. */
const KINDS: readonly (readonly [RegExp, Kind | undefined])[] = [
  [/^s_(delay_alu|waitcnt|nop|clause|code_end|set_inst_prefetch)/, undefined],
  [/^v_(dual_)?(fma|fmac|fmaak|fmamk|pk_fma|dot|mad|mac|wmma)/, 'multiplyAdds'],
  [/^v_/, 'vector'],
  [/^ds_/, 'workgroupMemory'],
  [/^(buffer|global|flat|scratch)_/, 'memory'],
];

/** Of the innermost loops the one with most multiply-adds; undefined where nothing loops. */
export function hottestLoop(code: MachineCode): Loop | undefined {
  const loops = loopsOf(code.blocks);
  const innermost = loops.filter(
    (loop) => !loops.some((other) => other !== loop && contains(loop, other)),
  );
  return innermost
    .map(([first, last]) => countOf(code.blocks.slice(first, last + 1)))
    .sort((a, b) => b.multiplyAdds - a.multiplyAdds)[0];
}

/** Indices of the first and last block. */
type Range = readonly [first: number, last: number];

function contains([first, last]: Range, other: Range): boolean {
  return first <= other[0] && other[1] <= last;
}

/** A branch backwards closes a loop; several to one head are one loop. */
function loopsOf(blocks: readonly Block[]): readonly Range[] {
  const indices = new Map(blocks.map(({ label }, index) => [label, index]));
  const lastOf = new Map<number, number>();
  blocks.forEach(({ instructions }, index) => {
    for (const { op, operands } of instructions) {
      const head = /^s_c?branch/.test(op) ? indices.get(operands) : undefined;
      if (head !== undefined && head <= index) lastOf.set(head, index);
    }
  });
  return [...lastOf];
}

function countOf(blocks: readonly Block[]): Loop {
  const counts = {
    multiplyAdds: 0,
    vector: 0,
    workgroupMemory: 0,
    memory: 0,
    scalar: 0,
    slots: 0,
  };
  for (const { instructions } of blocks) {
    for (const instruction of instructions) {
      const kinds = operationsOf(instruction).map(kindOf);
      for (const kind of kinds) if (kind) counts[kind]++;
      if (kinds.some((kind) => kind !== undefined)) counts.slots++;
    }
  }
  return counts;
}

/** RDNA3 pairs two operations in one instruction: `v_dual_fmac_f32 v0, v1, v2 :: v_dual_mul_f32 ...`. */
function operationsOf({ op, operands }: Instruction): readonly string[] {
  const second = /:: (v_dual_\w+)/.exec(operands)?.[1];
  return second ? [op, second] : [op];
}

function kindOf(op: string): Kind | undefined {
  const known = KINDS.find(([pattern]) => pattern.test(op));
  return known ? known[1] : 'scalar';
}
