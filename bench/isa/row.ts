/** A pipeline and what a GPU's compiler makes of it. */
import type { Compiled } from './compile_shaders.ts';
import { hottestLoop, type Loop } from './hot_loop.ts';
import type { MachineCode } from './machine_code.ts';
import { type Figures, figuresOf } from './statistics.ts';

export interface Row extends Compiled, Figures {
  readonly gpu: string;
  /** Of AMD's compiler only. */
  readonly loop?: (Loop & { readonly perSlot: number; readonly perLoad: number }) | undefined;
}

export function rowOf(gpu: string, compiled: Compiled, code: MachineCode): Row {
  const loop = hottestLoop(code);
  return {
    ...compiled,
    gpu,
    ...figuresOf(code),
    loop: loop && {
      ...loop,
      perSlot: loop.multiplyAdds / Math.max(1, loop.slots),
      perLoad: loop.multiplyAdds / Math.max(1, loop.workgroupMemory + loop.memory),
    },
  };
}

/** `threads 8,8 slices 4 ...` */
export function configText(config: object): string {
  return Object.entries(config)
    .map(([key, value]) => `${key} ${isNested(value) ? `(${configText(value)})` : value}`)
    .join(' ');
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
