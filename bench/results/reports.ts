/** The JSON files of this folder: what they hold, and reading them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelReport } from '../../measure/kernels/index.ts';
import type { MachineFacts } from '../../measure/machine.ts';
import { type ModelRun, parseRuns } from '../../measure/model_runs.ts';
import type { Statistics } from '../../measure/statistics.ts';
import type { DType } from '../../src/index.ts';

/** What `bench kernels --json` prints. */
export interface KernelsFile extends KernelReport {
  readonly machine: MachineFacts;
}

/** What bench/peers writes of a model; its file holds an array of these. */
export interface PeersReport {
  readonly machine: MachineFacts;
  readonly adapter: string;
  readonly model: string;
  /** Images a run. */
  readonly batch: number;
  /** Of Tilewise; the others compute in f32. */
  readonly precision: DType;
  readonly weights: 'file' | 'synthetic';
  /** Of a run of Tilewise in Node; earlier files lack it. */
  readonly dispatches?: number;
  readonly results: readonly PeerResult[];
}

/** Times are in milliseconds. */
export interface PeerResult {
  readonly library: string;
  readonly version: string;
  readonly host: 'Node' | 'Chromium';
  readonly backend: string;
  readonly browser?: string;
  /** From bytes in memory to a model that is ready, each in a new process or browser. */
  readonly load: Statistics;
  readonly firstRun: Statistics;
  /** From bytes in memory to the first logits. */
  readonly coldStart: Statistics;
  readonly run: Statistics;
  /** Processor time of a run; in Node only. */
  readonly cpu?: Statistics;
  /** The run's time by that of the first library's run beside it, on the same host. */
  readonly ratio: Statistics;
  readonly cpuRatio?: Statistics;
  /** The largest difference from the first library's logits, as a share of the largest of them. */
  readonly difference: number;
  readonly download?: Download;
}

/** What a page downloads to run a model, without the model: raw, and as gzip -9 makes it. */
export interface Download {
  readonly bytes: number;
  readonly gzipBytes: number;
}

/** All that was measured on one adapter. */
export interface AdapterResults {
  readonly adapter: string;
  readonly kernels?: KernelsFile;
  readonly models: readonly ModelRun[];
  readonly peers: readonly PeersReport[];
}

/** Reads kernels-*.json, models-*.json and peers-*.json, and puts together what is of one adapter. */
export function readResults(folder: string): readonly AdapterResults[] {
  const found = new Map<string, AdapterResults>();
  const extend = (adapter: string, more: Partial<AdapterResults>): void => {
    found.set(adapter, { adapter, models: [], peers: [], ...found.get(adapter), ...more });
  };
  for (const text of filesOf(folder, 'kernels-')) {
    const kernels = JSON.parse(text) as KernelsFile;
    extend(kernels.adapter.name, { kernels });
  }
  for (const text of filesOf(folder, 'models-')) {
    const models = parseRuns(text);
    if (models[0]) extend(models[0].adapter, { models });
  }
  for (const text of filesOf(folder, 'peers-')) {
    // Earlier files hold a report of one model.
    const reports = [JSON.parse(text) as PeersReport | readonly PeersReport[]].flat();
    for (const report of reports) {
      extend(report.adapter, { peers: [...(found.get(report.adapter)?.peers ?? []), report] });
    }
  }
  return [...found.values()].sort((a, b) => (a.adapter < b.adapter ? -1 : 1));
}

function filesOf(folder: string, prefix: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}
