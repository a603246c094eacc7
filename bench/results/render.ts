/**
 * Writes docs/performance.md, and the table of the README between its markers, from the JSON files beside
 * this script: `npm run bench:render`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Statistics } from '../statistics.ts';

/** What bench/peers writes, as far as it is shown. */
interface PeersReport {
  readonly date: string;
  /** Of Tilewise. */
  readonly commit: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly loadAverage: readonly number[];
  readonly platform: string;
  readonly node: string;
  readonly adapter: string;
  readonly weights: string;
  readonly results: readonly PeerResult[];
}

interface PeerResult {
  readonly library: string;
  readonly version: string;
  readonly host: string;
  readonly backend: string;
  readonly browser?: string;
  readonly load: Statistics;
  readonly firstRun: Statistics;
  readonly coldStart: Statistics;
  readonly run: Statistics;
  readonly cpu?: Statistics;
  readonly ratio: Statistics;
  readonly cpuRatio?: Statistics;
  readonly difference: number;
  readonly download?: { readonly bytes: number; readonly gzipBytes: number };
}

const HERE = import.meta.dirname;
const ROOT = join(HERE, '..', '..');
const BEGIN = '<!-- peers: written by npm run bench:render -->';
const END = '<!-- /peers -->';

const reports = readdirSync(HERE)
  .filter((name) => name.startsWith('peers-') && name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(HERE, name), 'utf8')) as PeersReport);

writeFileSync(join(ROOT, 'docs', 'performance.md'), page(reports));
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const [before, rest] = readme.split(BEGIN);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined) throw new Error(`README.md has no ${BEGIN}`);
writeFileSync(
  join(ROOT, 'README.md'),
  `${before}${BEGIN}\n\n${summary(reports)}\n\n${END}${after}`,
);

function page(all: readonly PeersReport[]): string {
  return `# Performance

Written by \`npm run bench:render\` from the JSON in \`bench/results\`. ResNet-50, batch 1, f32, 224 x 224: the same
weights, input and adapter for all, logits compared. Each library is in a process or page of its own; they run
in turn, A B C A B C, so ratios hold where the machine is busy, and times less so. A ratio is the time of a run
by that of Tilewise's run beside it: the median, with the quartiles. Cold start: from weights in memory to the first logits, the device
opened on the way, in a new process or browser, without a driver's cache of shaders.
[bench/peers](../bench/peers/README.md) tells how to run it.

${all.map(section).join('\n')}`;
}

function section(report: PeersReport): string {
  const {
    adapter,
    date,
    commit,
    processor,
    cores,
    memoryGb,
    loadAverage,
    platform,
    node,
    weights,
  } = report;
  const rows = report.results.map((result) => [
    nameOf(result),
    result.version,
    seconds(result.coldStart.median),
    seconds(result.firstRun.median),
    seconds(result.run.median),
    ratio(result.ratio),
    result.cpuRatio ? ratio(result.cpuRatio) : '',
    result.difference.toExponential(0),
    result.download
      ? `${kilobytes(result.download.bytes)}, ${kilobytes(result.download.gzipBytes)} gzip`
      : '',
  ]);
  const browsers = new Set(report.results.flatMap(({ browser }) => browser ?? []));
  const head = [
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
  return `## ${adapter}

${date}, Tilewise at ${commit}; ${processor}, ${cores} cores, ${memoryGb} GB, ${platform}; ${[`Node ${node}`, ...browsers].join(', ')}; ${weights} weights; load average after the runs ${loadAverage.join(', ')}.

${table(head, rows)}
`;
}

/** For the README: what one wants to know first. */
function summary(all: readonly PeersReport[]): string {
  const rows = all.flatMap(({ adapter, results }) =>
    results.map((result) => [
      nameOf(result),
      adapter.split(' (')[0]?.split(':')[0] ?? adapter,
      seconds(result.run.median),
      ratio(result.ratio),
      result.cpuRatio ? ratio(result.cpuRatio) : '',
      seconds(result.coldStart.median),
    ]),
  );
  const head = [
    'library',
    'adapter',
    'median run',
    'by Tilewise',
    'by processor time',
    'cold start',
  ];
  return `${table(head, rows)}\n\n${all.map(busyNote).join('')}`.trimEnd();
}

/** A machine with more to do than it has cores for gives long times. */
function busyNote({ adapter, cores, loadAverage, results }: PeersReport): string {
  const [load = 0] = loadAverage;
  if (load <= 2 * cores) return '';
  const host = [...new Set(results.map((result) => result.host))].join(', ');
  return `${adapter}, ${host}: the machine was busy with other work (load average ${load} on ${cores} cores), so that all times are too long, and the ratio of processor times is the steadier one.\n`;
}

function nameOf({ library, backend, host }: PeerResult): string {
  return `${library} ${backend}, ${host}`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toPrecision(3)} s`;
}

function ratio({ median, low, high }: Statistics): string {
  return `${median.toPrecision(2)} (${low.toPrecision(2)} to ${high.toPrecision(2)})`;
}

function kilobytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
