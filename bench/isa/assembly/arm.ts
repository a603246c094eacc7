/**
 * Mali, as Mesa's Valhall compiler prints it: an instruction a line. A branch counts instructions from the next one.
 *
 *     FMA.f32 r0, r4, r12, r0
 *     BRANCHZ.eq r1, offset:-12
 */
import {
  codeOf,
  type Line,
  type MachineCode,
  operationOf,
  type Patterns,
} from '../machine_code.ts';

/** Workgroup memory is memory there, with addresses of its own. */
const OPERATIONS: Patterns = [
  [/^V?FMA/, 'multiplyAdds'],
  [/^(LOAD|STORE|LD_|ST_|ATOM|LEA_BUF)/, 'memory'],
  [/^(BRANCH|JUMP|NOP|BARRIER)/, 'scalar'],
];

export function readArm(text: string): MachineCode {
  const lines = text.split('\n').filter((line) => /^\s*[A-Z]/.test(line));
  return codeOf(lines.map((line, i) => lineOf(line.trim(), i)));
}

function lineOf(line: string, at: number): Line {
  const [name = ''] = line.split(/\s/);
  const distance = /offset:(-?\d+)/.exec(line)?.[1];
  return {
    label: String(at),
    instruction: { operations: [operationOf(name, OPERATIONS, 'vector')], slots: 1 },
    targets: distance === undefined ? [] : [String(at + 1 + Number(distance))],
  };
}
