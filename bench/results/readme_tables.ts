/** The tables of the README: what one wants to know first. */
import type { ModelRun } from '../../measure/model_runs.ts';
import { digits, shortName, table, time } from './markdown.ts';
import { busyNote, inNodeByWebGpu, libraryOf, SHOWN_WHOLE } from './peers_section.ts';
import type { AdapterResults, PeersReport } from './reports.ts';

interface Row {
  readonly text: string;
  readonly cell: (results: AdapterResults) => string | undefined;
}

const ROWS: readonly Row[] = [
  { text: 'ResNet-50: load weights and compile', cell: ofRun('resnet50', ({ loadMs }) => loadMs) },
  { text: 'ResNet-50: first run', cell: ofRun('resnet50', ({ firstRunMs }) => firstRunMs) },
  { text: 'ResNet-50: median run', cell: ofRun('resnet50', ({ medianMs }) => medianMs) },
  { text: 'ResNet-18: median run', cell: ofRun('resnet18', ({ medianMs }) => medianMs) },
  { text: 'LeNet: median run', cell: ofRun('lenet', ({ medianMs }) => medianMs) },
  {
    text: 'limit of multiply-adds, measured',
    cell: ({ kernels }) => kernels && `${kernels.ceilings.gflops.toFixed(1)} GFLOP/s`,
  },
  {
    text: 'limit of copying, measured',
    cell: ({ kernels }) => kernels && `${kernels.ceilings.gigabytesPerSecond.toFixed(1)} GB/s`,
  },
];

/** Of one image. */
function ofRun(model: string, figure: (run: ModelRun) => number): Row['cell'] {
  return ({ models }) => {
    const run = models.find(
      ({ model: name, inputShape, precision = 'f32' }) =>
        name === model && inputShape[0] === 1 && precision === 'f32',
    );
    return run && time(figure(run));
  };
}

/** Models on each adapter, a column each. */
export function modelsTable(all: readonly AdapterResults[]): string {
  const measured = all.filter(({ models }) => models.length > 0);
  const rows = ROWS.map(({ text, cell }) => [text, ...measured.map((one) => cell(one) ?? '')]);
  return table(['', ...measured.map(({ adapter }) => shortName(adapter))], rows);
}

const PEERS_HEAD = ['library', 'adapter', 'median run', 'by Tilewise', 'cold start'];

/** What is measured on all adapters. */
function isUsual({ batch, precision }: PeersReport): boolean {
  return batch === 1 && precision === 'f32';
}

/** The last that was read, as in docs/performance.md. */
function usualOf(peers: readonly PeersReport[], model: string): PeersReport | undefined {
  return peers.findLast((report) => isUsual(report) && report.model === model);
}

export function peersTable(all: readonly AdapterResults[]): string {
  const rows = all.flatMap(({ adapter, peers }) =>
    (usualOf(peers, SHOWN_WHOLE)?.results ?? []).map((result) => [
      libraryOf(result),
      shortName(adapter),
      time(result.run.median),
      digits(result.ratio.median),
      time(result.coldStart.median),
    ]),
  );
  const notes = all.flatMap(({ adapter, peers }) => {
    const usual = usualOf(peers, SHOWN_WHOLE);
    const note = usual && busyNote(usual).trim();
    return note ? [`${shortName(adapter)}: ${note}`] : [];
  });
  return [table(PEERS_HEAD, rows), ...notes].join('\n\n');
}

/** Models on each adapter, beside onnxruntime's WebGPU in Node: Tilewise's median run, and the other's by it. */
export function peerModelsTable(all: readonly AdapterResults[]): string {
  const measured = all.filter(({ peers }) => peers.some(isUsual));
  const models = new Set(
    measured.flatMap(({ peers }) => peers.filter(isUsual).map(({ model }) => model)),
  );
  const cellOf = (model: string, { peers }: AdapterResults): string => {
    const report = usualOf(peers, model);
    const pair = report && inNodeByWebGpu(report);
    return pair ? `${time(pair[0].run.median)}; ${digits(pair[1].ratio.median)}` : '';
  };
  const rows = [...models].map((model) => [model, ...measured.map((one) => cellOf(model, one))]);
  return table(['', ...measured.map(({ adapter }) => shortName(adapter))], rows);
}

/** Replaces what stands between the markers of that name. Throws where the text has none. */
export function replaceSection(text: string, name: string, content: string): string {
  const begin = `<!-- ${name}: written by npm run bench:render -->`;
  const end = `<!-- /${name} -->`;
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) {
    throw new Error(`the page lacks "${begin}" and "${end}": put them where the table belongs`);
  }
  return `${before}${begin}\n\n${content}\n\n${end}${after}`;
}
