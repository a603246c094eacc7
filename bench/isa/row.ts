/** A pipeline and what a GPU's compiler makes of it. */
import type { Compiled } from './compile_shaders.ts';
import { hottestLoop, type Loop, stepRate } from './hot_loop.ts';
import type { MachineCode } from './machine_code.ts';
import type { CompiledPipeline } from './pipeline_log.ts';
import { type Figures, figuresOf } from './statistics.ts';

export interface Row extends Compiled, Figures {
  readonly gpu: string;
  /** Undefined where no loop is in the code, or the driver does not tell its code. */
  readonly loop?: LoopFigures | undefined;
}

export interface LoopFigures extends Loop {
  /** Multiply-adds a slot and a load, of the hottest loop alone. */
  readonly perSlot: number;
  readonly perLoad: number;
  /** Multiply-adds a slot of a whole step over k, with what it loads; of convolutions on workgroup tiles. */
  readonly perStepSlot?: number | undefined;
}

export function rowOf(
  gpu: string,
  compiled: Compiled,
  pipeline: CompiledPipeline,
  code: MachineCode | undefined,
): Row {
  const loop = code && hottestLoop(code);
  return {
    ...compiled,
    gpu,
    ...figuresOf(pipeline),
    loop: loop && {
      ...loop,
      perSlot: loop.multiplyAdds / Math.max(1, loop.slots),
      perLoad: loop.multiplyAdds / Math.max(1, loop.workgroupMemory + loop.memory),
      perStepSlot: compiled.step === undefined ? undefined : stepRate(code, compiled.step),
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
