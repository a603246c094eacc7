/**
 * Intel's, as Mesa's brw prints it: indented lines go on, the names of places have lines of their own.
 *
 *     LABEL14:
 *     mad(16)         g51<1>F         g51<8,8,1>F     g25<8,8,1>F     g17<1,1,1>F { align1 1H compacted };
 *     send(16)        g17UD           g115UD          nullUD          0x048050fe                0x00000000
 *                     hdc1 MsgDesc: (untyped surface read, Surface = 254, SIMD16, Mask = 0x0)  mlen 2 ... };
 *     (+f0.0) while(16) JIP:  LABEL14                                   { align1 1H };
 */
import {
  codeOf,
  type Line,
  type MachineCode,
  operationOf,
  type Patterns,
} from '../machine_code.ts';

/** Of a message: Surface 254, or slm, is workgroup memory. */
const MESSAGES: Patterns = [
  [/Surface = 254|\bslm\b/, 'workgroupMemory'],
  [/surface (read|write)|\bhdc|\bugm\b/, 'memory'],
];

const OPERATIONS: Patterns = [
  [/^(mad|mac|dpas\S*)\(\d+\)\s+\S+F\s/, 'multiplyAdds'],
  [/^(while|if|else|endif|break|cont|halt|sync|nop|jmpi)/, 'scalar'],
];

export function readIntel(text: string): MachineCode {
  const lines = text.replaceAll(/\n {12,}/g, ' ').split('\n');
  return codeOf(lines.map(lineOf));
}

function lineOf(line: string): Line {
  const label = /^(LABEL\d+):/.exec(line)?.[1];
  const code = line.replace(/^\([^)]*\) /, '');
  if (label !== undefined || !/^[a-z]/.test(code)) return { label };
  const operation = /^sends?\b/.test(code)
    ? operationOf(code, MESSAGES, 'scalar')
    : operationOf(code, OPERATIONS, 'vector');
  const target = /^while\b.*JIP:\s*(LABEL\d+)/.exec(code)?.[1];
  return { instruction: { operations: [operation], slots: 1 }, targets: target ? [target] : [] };
}
