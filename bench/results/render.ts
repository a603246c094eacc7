/**
 * Writes docs/performance.md, and the tables of the README and of docs/kernels.md between their markers, from the JSON
 * files beside this script: `npm run bench:render`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilersSection, readCompilers } from './compilers_section.ts';
import { kernelsSection } from './kernels_section.ts';
import { modelsSection } from './models_section.ts';
import { peersOverview, peersSection, SHOWN_WHOLE } from './peers_section.ts';
import { modelsTable, peerModelsTable, peersTable, replaceSection } from './readme_tables.ts';
import { type AdapterResults, readResults } from './reports.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = join(ROOT, 'docs', 'performance.md');
const README = join(ROOT, 'README.md');
const KERNELS = join(ROOT, 'docs', 'kernels.md');

const results = readResults(import.meta.dirname);
writeFileSync(PAGE, page(results));
const tables = {
  measured: modelsTable(results),
  peers: peersTable(results),
  'peer models': peerModelsTable(results),
};
const readme = Object.entries(tables).reduce(
  (text, [name, content]) => replaceSection(text, name, content),
  readFileSync(README, 'utf8'),
);
writeFileSync(README, readme);
const compilers = readCompilers(readFileSync(join(import.meta.dirname, 'compilers.jsonl'), 'utf8'));
writeFileSync(
  KERNELS,
  replaceSection(readFileSync(KERNELS, 'utf8'), 'compilers', compilersSection(compilers)),
);

function page(all: readonly AdapterResults[]): string {
  return `# Performance

Written by \`npm run bench:render\` from the JSON in \`bench/results\`; \`npm run bench:results\` measures again,
on every adapter of a machine, and renders. All is f32, with synthetic weights, where nothing else is said.

Models: load is from a graph to a session, weights made or read and kernels compiled on the way; host is what
the processor spends on a run besides waiting. [\`bench model\`](../README.md#the-command) compares with these files;
with \`--cold\` it has what each stage of a cold start takes, in new processes: the device, plan, kernels, weights and first
run, which of them overlap, and the kernels that take longest to compile.

Other libraries: the same weights, input and adapter for all, logits compared. Each is in
a process or page of its own; they run in turn, A B C A B C, so ratios hold where the machine is busy, and times
less so. A ratio is the time of a run by that of Tilewise's run beside it: the median, with the quartiles. Cold
start: from weights in memory to the first logits, the device opened on the way, in a new process or browser,
without a driver's cache of shaders. Of models besides ResNet-50 there is one table, a row each, of what Tilewise and
onnxruntime take by WebGPU in Node. [bench/peers](../bench/peers/README.md) tells how to run it.

${all.map(section).join('\n')}`;
}

function section({ adapter, models, kernels, peers }: AdapterResults): string {
  const parts = [
    modelsSection(models),
    ...peers.filter(({ model }) => model === SHOWN_WHOLE).map(peersSection),
    peersOverview(peers),
    kernels ? kernelsSection(kernels) : '',
  ];
  return [`## ${adapter}\n`, ...parts.filter(Boolean)].join('\n');
}
