/**
 * Radeon, as Mesa's ACO prints it: basic blocks that begin with their names.
 *
 *     BB0:
 *     <TAB>v_mov_b32_e32 v0, 0          ; 7e000280
 *     <TAB>s_cbranch_scc0 BB0           ; bfa1fff0
 */
import {
  codeOf,
  type Line,
  type MachineCode,
  operationOf,
  type Patterns,
} from '../machine_code.ts';

/** They tell the scheduler something, or fill a gap. */
const NOTHING = /^s_(delay_alu|waitcnt|wait_|nop|clause|code_end|set_inst_prefetch)/;

const OPERATIONS: Patterns = [
  [/^v_(dual_)?(fma|pk_fma|dot|mad_f|mac_f|wmma|swmmac)/, 'multiplyAdds'],
  [/^v_/, 'vector'],
  [/^ds_/, 'workgroupMemory'],
  [/^(buffer|global|flat|scratch)_/, 'memory'],
];

export function readAmd(text: string): MachineCode {
  return codeOf(text.split('\n').map(lineOf));
}

function lineOf(line: string): Line {
  const label = /^(BB\d+):/.exec(line)?.[1];
  const [, name = '(', operands = ''] = /^\t(\S+)\s*([^;]*)/.exec(line) ?? [];
  // Mesa writes of a repeated s_nop "(then repeated 8 times)".
  if (label !== undefined || name.startsWith('(') || NOTHING.test(name)) return { label };
  // RDNA3 pairs two operations in one instruction: `v_dual_fmac_f32 v0, v1, v2 :: v_dual_mul_f32 ...`.
  const second = /:: (v_dual_\w+)/.exec(operands)?.[1];
  const operations = [name, ...(second ? [second] : [])].map((operation) =>
    operationOf(operation, OPERATIONS, 'scalar'),
  );
  const targets = /^s_c?branch/.test(name) ? [operands.trim()] : undefined;
  return { instruction: { operations, slots: 1 }, targets, jumps: /^s_(branch|endpgm)/.test(name) };
}
