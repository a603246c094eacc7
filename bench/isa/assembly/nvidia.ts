/**
 * GeForce, as Mesa's NAK prints it: basic blocks that end with the numbers of those that may follow.
 *
 *     block.u 14 L33 [13] -> {
 *           r36     = ffma.ftz r60 r64 r36         // delay=1 wt=000011
 *     @!p0            bra pT L20                   // delay=1
 *     } -> [14, 16]
 */
import {
  codeOf,
  type Line,
  type MachineCode,
  operationOf,
  type Patterns,
} from '../machine_code.ts';

const OPERATIONS: Patterns = [
  [/^(ffma|hfma2|hmma)/, 'multiplyAdds'],
  [/^((ld|st|atom)\.shared|ldsm)/, 'workgroupMemory'],
  [/^(ld|st|atom|red|suld|sust)/, 'memory'],
  [/^(bra|bsync|bssy|bclear|nop|bar|warpsync|exit)/, 'scalar'],
];

export function readNvidia(text: string): MachineCode {
  return codeOf(text.split('\n').map(lineOf));
}

function lineOf(line: string): Line {
  const label = /^block(?:\.u)? (\d+) /.exec(line)?.[1];
  if (label !== undefined) return { label };
  const after = /^} -> \[([\d, ]*)\]/.exec(line)?.[1];
  if (after !== undefined) return { targets: after.split(', '), jumps: true };
  // After its predicate and its results, before what the scheduler says of it.
  const [code = ''] = line.split('//');
  const name = /([a-z][\w.]*)/.exec(code.slice(code.indexOf('= ') + 1).replace(/^@!?\w+/, ''))?.[1];
  if (name === undefined) return {};
  return { instruction: { operations: [operationOf(name, OPERATIONS, 'vector')], slots: 1 } };
}
