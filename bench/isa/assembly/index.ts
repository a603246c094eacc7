/** Machine code as the drivers of six makers print it. */
import type { MachineCode } from '../machine_code.ts';
import type { CompiledPipeline } from '../pipeline_log.ts';
import { readAmd } from './amd.ts';
import { applePrograms, readApple } from './apple.ts';
import { readArm } from './arm.ts';
import { readIntel } from './intel.ts';
import { readNvidia } from './nvidia.ts';
import { readQualcomm } from './qualcomm.ts';

/** By what WebGPU calls the maker. */
const READERS: ReadonlyMap<string, (text: string) => MachineCode> = new Map([
  ['amd', readAmd],
  ['apple', readApple],
  ['arm', readArm],
  ['intel', readIntel],
  ['nvidia', readNvidia],
  ['qualcomm', readQualcomm],
]);

/**
 * The machine code of each pipeline; of those of which the driver tells none, undefined.
 *
 * @param vendor - `GPUAdapterInfo.vendor`.
 * @param output - What the process wrote to stdout, where Apple's are.
 */
export function machineCodeOf(
  vendor: string,
  pipelines: readonly CompiledPipeline[],
  output: string,
): readonly (MachineCode | undefined)[] {
  const read = READERS.get(vendor);
  const printed = vendor === 'apple' ? mainPrograms(output) : [];
  return pipelines.map(({ assembly }, i) => {
    const text = assembly ?? printed[i];
    return text === undefined ? undefined : read?.(text);
  });
}

/** A pipeline's program is printed with what runs once ahead of it, in either order; that one is the shorter. */
function mainPrograms(output: string): readonly string[] {
  const programs = applePrograms(output);
  return programs.flatMap((program, i) => {
    const other = programs[i + 1];
    if (i % 2 === 1 || other === undefined) return [];
    return [program.length > other.length ? program : other];
  });
}
