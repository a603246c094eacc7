/**
 * Apple's, as Mesa's compiler prints it on stdout under AGX_MESA_DEBUG=shaders: an address, the bytes, the
 * instruction. A jump says how far, in bytes from where it stands.
 *
 *      b68: 69c11802f4000014       lload    r48_r49_r50_r51, r44l, 0, i32, xyzw
 *      b80: baa1a0822a504215       ffma     $r40, $r48, $r52, r40
 *     21c2: 00c050e2ffff           jmp_any  -7600
 */
import {
  codeOf,
  type Line,
  type MachineCode,
  operationOf,
  type Patterns,
} from '../machine_code.ts';

const OPERATIONS: Patterns = [
  [/^(h?ffma|hfma|fmadd|simd_matrix)/, 'multiplyAdds'],
  [/^(lload|lstore|local_|threadgroup_)/, 'workgroupMemory'],
  [/^(load|store|device_|atomic|stack_)/, 'memory'],
  [/^(jmp|while|if|else|pop_exec|break|wait|barrier|stop|nop)/, 'scalar'],
];

const INSTRUCTION = /^ *([0-9a-f]+): [0-9a-f]+ +(\S+) *(.*)$/;

/** All programs of a process's output, each from address 0 on. */
export function applePrograms(output: string): readonly string[] {
  const listing = output.split('\n').filter((line) => INSTRUCTION.test(line));
  const starts = listing.flatMap((line, i) => (/^ *0: /.test(line) ? [i] : []));
  return starts.map((start, i) => listing.slice(start, starts[i + 1]).join('\n'));
}

export function readApple(text: string): MachineCode {
  return codeOf(text.split('\n').map(lineOf));
}

function lineOf(line: string): Line {
  const [, address = '0', name, operands = ''] = INSTRUCTION.exec(line) ?? [];
  if (name === undefined) return {};
  const at = Number.parseInt(address, 16);
  const distance = /^jmp/.test(name) ? /^-?\d+$/.exec(operands.trim())?.[0] : undefined;
  return {
    label: String(at),
    instruction: { operations: [operationOf(name, OPERATIONS, 'vector')], slots: 1 },
    targets: distance === undefined ? [] : [String(at + Number(distance))],
  };
}
