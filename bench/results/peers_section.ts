/** Tilewise beside other libraries: what bench/peers measured. */
import { bytes, digits, facts, ratio, table, time } from './markdown.ts';
import type { PeerResult, PeersReport } from './reports.ts';

/** The model with a table of all libraries; of the others, the overview tells enough. */
export const SHOWN_WHOLE = 'resnet50';

const HEAD = [
  'library',
  'version',
  'cold start',
  'first run',
  'median run',
  'by Tilewise',
  'by processor time',
  'difference',
  'a page downloads',
];

/** All libraries, a row each. */
export function peersSection(report: PeersReport): string {
  const { machine, weights, results, model, batch, precision } = report;
  const browsers = new Set(results.flatMap(({ browser }) => browser ?? []));
  const rows = results.map((result) => [
    libraryOf(result),
    result.version,
    time(result.coldStart.median),
    time(result.firstRun.median),
    time(result.run.median),
    ratio(result.ratio),
    result.cpuRatio ? ratio(result.cpuRatio) : '',
    result.difference.toExponential(0),
    result.download
      ? `${bytes(result.download.bytes)}, ${bytes(result.download.gzipBytes)} gzip`
      : '',
  ]);
  return `### ${model} of ${imagesOf(batch)} in ${precision} beside other libraries

${facts(machine, ...browsers)}; ${weights} weights.

${table(HEAD, rows)}
${busyNote(report)}`;
}

function imagesOf(batch: number): string {
  return batch === 1 ? 'one image' : `${batch} images`;
}

export function libraryOf({ library, backend, host }: PeerResult): string {
  return `${library} ${backend}, ${host}`;
}

/** A machine with more to do than it has cores for gives long times; empty where it had not. */
export function busyNote({ machine, results }: PeersReport): string {
  const [load = 0] = machine.loadAverage;
  if (load <= 2 * machine.cores) return '';
  const steadier = results.some(({ cpuRatio }) => cpuRatio !== undefined)
    ? ', and the ratio of processor times is the steadier one'
    : '';
  return `\nThe machine was busy with other work (load average ${load} on ${machine.cores} cores), so that all times are too long${steadier}.\n`;
}

const OVERVIEW_HEAD = [
  'model',
  'Tilewise',
  'onnxruntime',
  'by Tilewise',
  'by processor time',
  'cold start',
  'of onnxruntime',
  'that by Tilewise',
  'dispatches',
];

/** Models beside onnxruntime's WebGPU in Node, a row each: a table for each batch and precision, none for one model. */
export function peersOverview(reports: readonly PeersReport[]): string {
  const keyOf = ({ batch, precision, weights }: PeersReport): string =>
    `${imagesOf(batch)} in ${precision}, ${weights} weights`;
  return [...new Set(reports.map(keyOf))]
    .map((key) => overview(key, newestOfModels(reports.filter((one) => keyOf(one) === key))))
    .filter(Boolean)
    .join('\n');
}

/** One report a model: the last of them, in the order of the first. */
function newestOfModels(reports: readonly PeersReport[]): readonly PeersReport[] {
  return [...new Map(reports.map((report) => [report.model, report])).values()];
}

function overview(what: string, reports: readonly PeersReport[]): string {
  const rows = reports.flatMap((report) => {
    const pair = inNodeByWebGpu(report);
    return pair ? [overviewRow(report, pair)] : [];
  });
  if (rows.length < 2) return '';
  return `### Models of ${what}, beside onnxruntime's WebGPU, in Node

${machinesOf(reports).join('\n')}
${table(OVERVIEW_HEAD, rows)}
${reports.map(busyNote).find(Boolean) ?? ''}`;
}

/** Tilewise and onnxruntime. */
type Pair = readonly [PeerResult, PeerResult];

/** `undefined` where the two were not compared there. */
export function inNodeByWebGpu({ results }: PeersReport): Pair | undefined {
  const byWebGpu = results.filter(({ host, backend }) => host === 'Node' && backend === 'WebGPU');
  const tilewise = byWebGpu.find(({ library }) => library === 'Tilewise');
  const onnxruntime = byWebGpu.find(({ library }) => library === 'onnxruntime-node');
  return tilewise && onnxruntime && [tilewise, onnxruntime];
}

function overviewRow({ model, dispatches }: PeersReport, [tilewise, other]: Pair): string[] {
  return [
    model,
    time(tilewise.run.median),
    time(other.run.median),
    ratio(other.ratio),
    other.cpuRatio ? ratio(other.cpuRatio) : '',
    time(tilewise.coldStart.median),
    time(other.coldStart.median),
    digits(other.coldStart.median / tilewise.coldStart.median),
    dispatches === undefined ? '' : String(dispatches),
  ];
}

/** The machine of models that were measured one after the other, with the models where there are several. */
function machinesOf(reports: readonly PeersReport[]): readonly string[] {
  const busiest = (one: PeersReport, other: PeersReport): number =>
    (other.machine.loadAverage[0] ?? 0) - (one.machine.loadAverage[0] ?? 0);
  const keyOf = ({ machine }: PeersReport): string => facts({ ...machine, loadAverage: [] });
  const keys = [...new Set(reports.map(keyOf))];
  return keys.map((key) => {
    const group = reports.filter((report) => keyOf(report) === key);
    const [one] = group.toSorted(busiest);
    const models = keys.length > 1 ? `${group.map(({ model }) => model).join(', ')}: ` : '';
    return `${models}${one ? facts(one.machine) : ''}.\n`;
  });
}
