import type { Command } from 'commander';
import { addBenchKernelsCommand } from './bench_kernels.ts';
import { addBenchModelCommand } from './bench_model.ts';

export function addBenchCommand(program: Command): void {
  const bench = program.command('bench').description('measure speed');
  addBenchModelCommand(bench);
  addBenchKernelsCommand(bench);
}
