/** What drivers of Mesa call the same things in their statistics of a pipeline. */
import type { CompiledPipeline } from './pipeline_log.ts';

export interface Figures {
  /** Of an invocation, in words; halves on Apple's GPUs, vectors of four on Qualcomm's; on Intel's those in use. */
  readonly registers: number;
  readonly spills: number;
  /** Bytes of workgroup memory; 0 where the driver does not say. */
  readonly workgroupMemory: number;
  /** Waves, warps or (Apple) threads that fit a core at a time; 0 where the driver does not say. */
  readonly waves: number;
}

/** In the order AMD, Apple, NVIDIA, Qualcomm, Intel. */
const REGISTERS = ['VGPRs', 'GPRs', 'Number of GPRs', 'Registers used', 'Max live registers'];
const SPILLS = ['Spilled VGPRs', 'Spilled SGPRs', 'Spills', 'Spills to memory', 'STP Count'];
const WORKGROUP_MEMORY = ['LDS size', 'SLM size', 'Workgroup Memory Size'];
const WAVES = ['Subgroups per SIMD', 'Threads', 'Max warps/SM', 'Max Waves Per Core'];

export function figuresOf({ stats }: CompiledPipeline): Figures {
  const sum = (names: readonly string[]): number =>
    names.reduce((total, name) => total + (stats.get(name) ?? 0), 0);
  return {
    registers: sum(REGISTERS),
    spills: sum(SPILLS),
    workgroupMemory: sum(WORKGROUP_MEMORY),
    waves: sum(WAVES),
  };
}
