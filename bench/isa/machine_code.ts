/**
 * Reads what Mesa's RADV driver prints of each compute shader under RADV_DEBUG=asm,shaderstats: the machine
 * code in basic blocks, then a list of statistics.
 *
 *     disasm:
 *     BB0:
 *     <TAB>v_mov_b32_e32 v0, 0          ; 7e000280
 *     *** SHADER STATS ***
 *     VGPRs: 96
 *     ********************
 */

export interface Instruction {
  /** `v_fmac_f32_e32` */
  readonly op: string;
  readonly operands: string;
}

export interface Block {
  readonly label: string;
  readonly instructions: readonly Instruction[];
}

/** One compute shader as the driver compiled it. */
export interface MachineCode {
  /** In the order of their addresses. */
  readonly blocks: readonly Block[];
  /** By the driver's names: `VGPRs`, `Spilled VGPRs`, `LDS size`, `Subgroups per SIMD`, ... */
  readonly stats: ReadonlyMap<string, number>;
}

/** Every shader of a log, in order. Other lines are ignored. */
export function parseLog(log: string): readonly MachineCode[] {
  return log
    .split(/^disasm:$/m)
    .slice(1)
    .map(parseShader);
}

function parseShader(text: string): MachineCode {
  const [code = '', rest = ''] = text.split('*** SHADER STATS ***');
  const [stats = ''] = rest.split(/^\*{10,}$/m);
  return { blocks: parseBlocks(code), stats: parseStats(stats) };
}

function parseBlocks(code: string): readonly Block[] {
  const blocks: { label: string; instructions: Instruction[] }[] = [];
  for (const line of code.split('\n')) {
    const label = /^(BB\d+):/.exec(line)?.[1];
    if (label) blocks.push({ label, instructions: [] });
    const instruction = /^\t(\S+)\s*([^;]*)/.exec(line);
    const [, op, operands = ''] = instruction ?? [];
    // Mesa writes of a repeated s_nop "(then repeated 8 times)".
    if (op && !op.startsWith('(')) {
      blocks.at(-1)?.instructions.push({ op, operands: operands.trim() });
    }
  }
  return blocks;
}

function parseStats(text: string): ReadonlyMap<string, number> {
  const lines = text.matchAll(/^([A-Z][\w -]+): (\d+)$/gm);
  return new Map([...lines].map(([, name = '', value]) => [name, Number(value)]));
}
