/** Tilewise beside other libraries: what bench/peers measured. */
import { bytes, facts, ratio, table, time } from './markdown.ts';
import type { PeerResult, PeersReport } from './reports.ts';

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
  const images = batch === 1 ? 'one image' : `${batch} images`;
  return `### ${model} of ${images} in ${precision} beside other libraries

${facts(machine, ...browsers)}; ${weights} weights.

${table(HEAD, rows)}
${busyNote(report)}`;
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
