import type { Command } from 'commander';
import { findAllAdapters, isNamed, type NodeGpu, noAdapter } from '../../node/gpu.ts';
import { UnsupportedError } from '../../src/index.ts';
import { print, printJson } from '../../terminal/output.ts';
import { type CommonOptions, JSON_OPTION } from '../options.ts';

export function addAdaptersCommand(program: Command): void {
  program
    .command('adapters')
    .description('list the GPUs and software adapters that were found')
    .option('--adapter <text>', 'only adapters whose names contain this text')
    .option(...JSON_OPTION)
    .action(async (options: Pick<CommonOptions, 'adapter' | 'json'>) => {
      const all = await findAllAdapters();
      const { adapter: wanted = '' } = options;
      const found = all.filter((node) => isNamed(node, wanted));
      if (found.length === 0) {
        if (all.length === 0) throw noAdapter();
        const names = all.map(({ facts }) => `"${facts.name}"`).join(', ');
        throw new UnsupportedError(`no adapter's name contains "${wanted}"; there are ${names}`);
      }
      for (const node of found) {
        if (options.json) printJson(describe(node));
        else print(format(node));
      }
    });
}

function describe({ adapter, facts, backend }: NodeGpu): object {
  return {
    name: facts.name,
    backend,
    software: facts.software,
    features: facts.features,
    limits: limitsOf(adapter),
  };
}

/** GPUSupportedLimits has its values on the prototype, as accessors. */
function limitsOf(adapter: GPUAdapter): Readonly<Record<string, number>> {
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value: unknown = Reflect.get(adapter.limits, name);
    if (typeof value === 'number') limits[name] = value;
  }
  return limits;
}

function format({ adapter, facts, backend }: NodeGpu): string {
  const limits = Object.entries(limitsOf(adapter)).map(([name, value]) => `${name} ${value}`);
  return [
    `${facts.name}`,
    `  backend   ${backend ?? 'unknown'}`,
    `  software  ${facts.software ? 'yes' : 'no'}`,
    `  features  ${wrap(facts.features, 12)}`,
    `  limits    ${wrap(limits, 12)}`,
  ].join('\n');
}

const WIDTH = 100;

/** Joins words by commas into lines that hang under their column. */
function wrap(words: readonly string[], indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line && indent + line.length + word.length + 3 > WIDTH) {
      lines.push(`${line},`);
      line = '';
    }
    line = line ? `${line}, ${word}` : word;
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
