/**
 * Adreno, as Mesa's ir3 prints it. `(rpt2)` is three operations of one instruction, one a slot, `(nop2)` two slots that
 * stay empty.
 *
 *     l393:
 *     (sy)(nop1) mad.f32 r7.w, c41.y, r18.w, (last)r7.w
 *     (ss)br p0.y, #l393
 */
import {
  codeOf,
  type Line,
  type MachineCode,
  operationOf,
  type Patterns,
} from '../machine_code.ts';

const OPERATIONS: Patterns = [
  [/^mad\.f/, 'multiplyAdds'],
  [/^(ldl|stl|ldlw|stlw|atomic\.l)/, 'workgroupMemory'],
  [/^(ld|st|isam|sam|atomic|resinfo)/, 'memory'],
  [/^(nop|br|jump|pred|shps|getone|bar|fence|end)/, 'scalar'],
];

export function readQualcomm(text: string): MachineCode {
  return codeOf(text.split('\n').map(lineOf));
}

function lineOf(line: string): Line {
  const label = /^\s*(l\d+):/.exec(line)?.[1];
  const [, flags = '', name] = /^\s*((?:\([a-z]+\d*\))*)\s*([a-z][\w.]*)(?=\s|$)/.exec(line) ?? [];
  if (label !== undefined || name === undefined) return { label };
  const repeats = 1 + Number(/\(rpt(\d+)\)/.exec(flags)?.[1] ?? 0);
  const empty = Number(/\(nop(\d+)\)/.exec(flags)?.[1] ?? 0);
  const operations = Array.from({ length: repeats }, () => operationOf(name, OPERATIONS, 'vector'));
  const target = /^(?:br|jump)/.test(name) ? /#(l\d+)/.exec(line)?.[1] : undefined;
  return {
    instruction: { operations, slots: repeats + empty },
    targets: target ? [target] : [],
    jumps: name === 'jump' || name === 'end',
  };
}
