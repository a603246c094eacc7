import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ModelRun } from '../../measure/model_runs.ts';
import { kernelsSection } from './kernels_section.ts';
import { facts, ratio, shortName, time } from './markdown.ts';
import { modelsSection } from './models_section.ts';
import { parseModels } from './peer_models.ts';
import { peersOverview, peersSection } from './peers_section.ts';
import { modelsTable, peerModelsTable, peersTable, replaceSection } from './readme_tables.ts';
import { type KernelsFile, type PeerResult, type PeersReport, readResults } from './reports.ts';

const ADAPTER = 'some driver 1.2.3 (someone, something)';

const machine = {
  date: '2026-11-24',
  commit: 'abc1234',
  processor: 'some processor',
  cores: 2,
  memoryGb: 8,
  loadAverage: [0.5, 0.4, 0.3],
  platform: 'linux x64',
  node: '20.19.0',
};

const statistics = { median: 1500, low: 1400, high: 1600, samples: 5 };

const run: ModelRun = {
  model: 'resnet50',
  adapter: ADAPTER,
  software: true,
  inputShape: [1, 3, 224, 224],
  runs: 10,
  loadMs: 2000,
  firstRunMs: 400,
  medianMs: 300,
  lowMs: 290,
  highMs: 310,
  driftShare: 0,
  otherWorkShare: 0,
  p95Ms: 330,
  hostMs: 0.25,
  dispatches: 56,
  submits: 1,
  memory: { weights: 1e8, activations: 1e7, dimensions: 0, staging: 1, total: 1.1e8 },
  machine,
};

const timed = {
  config: {},
  status: 'timed',
  gflops: 5,
  gigabytesPerSecond: 1,
  shareOfLimit: 0.5,
  error: 1e-7,
} as const;

const kernels: KernelsFile = {
  machine,
  adapter: { name: ADAPTER, software: true },
  clock: 'gpu',
  ceilings: { gflops: 10, gigabytesPerSecond: 2 },
  stopped: false,
  layers: [
    {
      layer: 'relu 1,8,4,4',
      names: ['relu1', 'relu2'],
      flops: 1,
      bytes: 1,
      limitMs: 1,
      kernels: [
        { ...timed, kernel: 'fast', chosen: false, ms: { ...statistics, median: 2 } },
        { ...timed, kernel: 'usual', chosen: true, ms: { ...statistics, median: 4 } },
        { kernel: 'broken', config: {}, chosen: false, status: 'wrong', message: 'gives 9' },
      ],
    },
  ],
};

const peers: PeersReport = {
  machine,
  adapter: ADAPTER,
  ...{ model: 'resnet50', batch: 1, precision: 'f32' },
  weights: 'synthetic',
  results: [
    {
      library: 'Other',
      version: '1.0.0',
      host: 'Chromium',
      backend: 'WebGPU',
      browser: 'Chromium 143',
      load: statistics,
      firstRun: statistics,
      coldStart: statistics,
      run: statistics,
      ratio: { median: 3, low: 2.9, high: 3.1, samples: 5 },
      difference: 1e-6,
      download: { bytes: 27e6, gzipBytes: 6.6e6 },
    },
  ],
};

/** Of another model, with the two libraries that the overview shows. */
function listed(model: string, more: Partial<PeersReport> = {}): PeersReport {
  const [other] = peers.results;
  if (!other) throw new Error('there is no result');
  const { browser: _, download: __, ...measured } = other;
  const inNode = (library: string, more: Partial<PeerResult>): PeerResult => ({
    ...measured,
    ...{ library, host: 'Node', ...more },
  });
  const own = inNode('Tilewise', { coldStart: { ...statistics, median: 500 } });
  const theirs = inNode('onnxruntime-node', { cpuRatio: statistics });
  const onCpu = inNode('onnxruntime-node', { backend: 'CPU' });
  return { ...peers, model, results: [onCpu, own, theirs], ...more };
}

describe('sections of docs/performance.md', () => {
  it('models: the machine, then a row each', () => {
    const section = modelsSection([run]);
    expect(section).toContain('2026-11-24, Tilewise at abc1234; some processor, 2 cores, 8 GB');
    expect(section).toContain(
      '| resnet50 | 1 x 3 x 224 x 224 | f32 | 2.00 s | 400 ms | 300 ms | 290 ms to 310 ms | 330 ms | 0.25 ms | 110.0 MB |',
    );
    expect(section).not.toContain('noisy');
    expect(modelsSection([{ ...run, driftShare: 0.2 }])).toContain('the next time: resnet50 of 1.');
    expect(modelsSection([])).toBe('');
  });

  it('kernels: what a session takes, and what is faster', () => {
    const section = kernelsSection(kernels);
    expect(section).toContain('10.0 GFLOP/s of multiply-adds, 2.0 GB/s of copying');
    expect(section).toContain(
      '| `relu 1,8,4,4` | 2 | 1 ms | usual | 4 ms | 5.0 | 50 % | fast, 2 ms |',
    );
  });

  it('peers: versions, ratios with their spread, first runs and downloads', () => {
    expect(peersSection(peers)).toContain(
      '| Other WebGPU, Chromium | 1.0.0 | 1.50 s | 1.50 s | 1.50 s | 3.0 (2.9 to 3.1) |  | 1e-6 | 27.0 MB, 6.6 MB gzip |',
    );
    expect(peersSection(peers)).toContain('### resnet50 of one image in f32 beside');
    expect(peersSection(peers)).not.toContain('busy');
    const busy = { ...peers, machine: { ...machine, loadAverage: [9, 9, 9] } };
    expect(peersSection(busy)).toContain('busy with other work (load average 9 on 2 cores)');
  });

  it('peers: a row for each model, a table for each batch and precision', () => {
    const text = peersOverview([
      listed('resnet18'),
      listed('resnet50', { dispatches: 56 }),
      listed('resnet18', { precision: 'f16' }),
    ]);
    expect(text.match(/^### .*/gm)).toEqual([
      "### Models of one image in f32, synthetic weights, beside onnxruntime's WebGPU, in Node",
    ]);
    expect(text).toContain(
      '| resnet50 | 1.50 s | 1.50 s | 3.0 (2.9 to 3.1) | 1500 (1400 to 1600) | 500 ms | 1.50 s | 3.0 | 56 |',
    );
    expect(text).toContain('| resnet18 | 1.50 s |');
    expect(text).toContain('\n2026-11-24, Tilewise at abc1234;');
    expect(peersOverview([listed('resnet18'), peers])).toBe('');
  });

  it('peers: what was measured apart says which models it is', () => {
    const later = { ...machine, date: '2026-11-25' };
    const text = peersOverview([
      listed('resnet18'),
      listed('resnet50'),
      listed('lenet', { machine: later }),
    ]);
    expect(text).toContain('\nresnet18, resnet50: 2026-11-24, Tilewise');
    expect(text).toContain('\nlenet: 2026-11-25, Tilewise');
  });

  it('peers: of a model that was measured again, the later report', () => {
    const again = listed('resnet18', { dispatches: 7 });
    const text = peersOverview([listed('resnet18', { dispatches: 5 }), listed('lenet'), again]);
    expect(text.match(/^\| resnet18 .*/gm)).toEqual([expect.stringMatching(/\| 7 \|$/)]);
  });
});

describe('tables of the README', () => {
  const other = {
    adapter: 'other',
    peers: [],
    models: [{ ...run, adapter: 'other', medianMs: 30 }],
  };

  it('a column for each adapter with models', () => {
    const [head, , ...rows] = modelsTable([
      { adapter: ADAPTER, models: [run], kernels, peers: [peers] },
      other,
      { adapter: 'peers only', models: [], peers: [peers] },
    ]).split('\n');
    expect(head).toBe('|  | some | other |');
    expect(rows).toContain('| ResNet-50: median run | 300 ms | 30 ms |');
    expect(rows).toContain('| limit of multiply-adds, measured | 10.0 GFLOP/s |  |');
  });

  it('a row for each peer', () => {
    const large = { ...peers, batch: 32 };
    const table = peersTable([{ adapter: ADAPTER, models: [], peers: [large, peers] }, other]);
    expect(table.split('\n')).toHaveLength(3);
    expect(table).toContain('| Other WebGPU, Chromium | some | 1.50 s | 3.0 |');
  });

  it('a row for each model that was compared, a column for each adapter', () => {
    const batches = [listed('resnet18'), listed('lenet', { batch: 32 })];
    const lines = peerModelsTable([
      { adapter: ADAPTER, models: [], peers: batches },
      { adapter: 'other', models: [], peers: [listed('resnet50')] },
      { adapter: 'none', models: [run], peers: [] },
    ]).split('\n');
    expect(lines).toEqual([
      '|  | some | other |',
      '| --- | --- | --- |',
      '| resnet18 | 1.50 s; 3.0 |  |',
      '| resnet50 |  | 1.50 s; 3.0 |',
    ]);
  });

  it('stand between markers, and only there', () => {
    const marked = (inside: string) =>
      `a\n<!-- x: written by npm run bench:render -->${inside}<!-- /x -->\nb`;
    expect(replaceSection(marked('old'), 'x', 'new')).toBe(marked('\n\nnew\n\n'));
    expect(() => replaceSection('a', 'x', 'new')).toThrow('the page lacks "<!-- x: written');
  });
});

describe('readResults', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tilewise-results-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('puts together what is of one adapter', () => {
    const files = {
      'kernels-some.json': kernels,
      'models-some.json': [run],
      'peers-some.json': peers,
      'peers-some-more.json': [{ ...peers, batch: 32 }, listed('resnet18')],
      'models-other.json': [{ ...run, adapter: 'another' }],
      'other.json': 1,
    };
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, name), JSON.stringify(content));
    }
    expect(readResults(folder)).toEqual([
      { adapter: 'another', models: [{ ...run, adapter: 'another' }], peers: [] },
      {
        ...{ adapter: ADAPTER, models: [run], kernels },
        peers: [{ ...peers, batch: 32 }, listed('resnet18'), peers],
      },
    ]);
  });
});

it.each([
  [0.1234, '0.12 ms'],
  [41.4, '41 ms'],
  [512.4, '512 ms'],
  [1234, '1.23 s'],
])('%d ms is written %s', (ms, text) => {
  expect(time(ms)).toBe(text);
});

it('a ratio has its quartiles', () => {
  expect(ratio({ median: 0.123, low: 0.1, high: 123.4, samples: 5 })).toBe('0.12 (0.10 to 123)');
});

it.each([
  ['SwiftShader driver 5.0.0 (google, swiftshader)', 'SwiftShader'],
  ['llvmpipe: Mesa 25.0.7-2 (LLVM 15.0.6) 0.0.1 (mesa, software)', 'llvmpipe'],
  ['NVIDIA H100 PCIe (nvidia, hopper)', 'NVIDIA H100 PCIe'],
])('"%s" is "%s" for short', (name, short) => {
  expect(shortName(name)).toBe(short);
});

it('facts leave out the commit where there is none', () => {
  const { commit: _, ...installed } = machine;
  expect(facts(installed)).toMatch(/^2026-11-24; some processor/);
});

describe('models to compare', () => {
  it('come with commas, by their list, or one after the other, each once', () => {
    expect(parseModels('lenet, resnet50', ['lenet'])).toEqual(['lenet', 'resnet50']);
    const all = parseModels('all-tables', ['resnet50']);
    expect(all).toHaveLength(9);
    expect(all.slice(0, 2)).toEqual(['resnet50', 'resnet18']);
  });

  it('must be known', () => {
    expect(() => parseModels('resnet18,resnet49')).toThrow('resnet49');
  });
});
