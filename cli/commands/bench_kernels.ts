import { type Command, Option } from 'commander';
import {
  benchmarkKernels,
  type KernelReport,
  type KernelResult,
  type LayerCase,
  type LayerReport,
  layerCases,
  parseLayer,
} from '../../measure/kernels/index.ts';
import { machineFacts } from '../../measure/machine.ts';
import { spreadOf } from '../../measure/statistics.ts';
import { type Device, describeConfig, UnsupportedError } from '../../src/index.ts';
import { interruptible } from '../../terminal/interrupt.ts';
import { collect, parseOutput } from '../../terminal/option_values.ts';
import { clearProgress, note, print, printJson, progress } from '../../terminal/output.ts';
import { formatTable } from '../../terminal/table.ts';
import { kernelReportPage } from '../kernel_report_page.ts';
import {
  addCommonOptions,
  addModelOptions,
  buildFromOptions,
  type ModelOptions,
} from '../options.ts';
import { writeOutput } from '../output_file.ts';
import { prepareModel, withDevice } from '../runner.ts';

interface BenchKernelsOptions extends ModelOptions {
  readonly shape?: readonly string[];
  readonly layer?: string;
  readonly kernel?: string;
  readonly quick?: boolean;
  readonly html?: string;
}

export function addBenchKernelsCommand(bench: Command): void {
  const command = addModelOptions(bench.command('kernels'), 'resnet50')
    .description(
      'time every kernel in every configuration over the layer shapes of a model; exit code 1 where one is wrong or fails',
    )
    .addOption(
      new Option(
        '--shape <layer>',
        'a layer in place of a model\'s, such as "conv2d 1,64,56,56 channels=64 kernel=3 padding=1 relu"; may be repeated',
      )
        .argParser(collect)
        .conflicts(['model', 'batch', 'size']),
    )
    .option('--layer <text>', 'only layers whose name or shape contains this text')
    .option('--kernel <text>', 'only kernels whose name contains this text')
    .option(
      '--html <file>',
      'write a page with the roofline and a chart for each layer',
      parseOutput('.html'),
    )
    .option('--quick', 'only the best guess of each kernel, with few samples');
  addCommonOptions(command).action(benchKernels);
}

async function benchKernels(options: BenchKernelsOptions): Promise<void> {
  await withDevice(options, async ({ device }) => {
    const cases = await casesOf(device, options);
    const report = await interruptible((signal) =>
      benchmarkKernels(device, cases, {
        quick: options.quick ?? false,
        kernel: options.kernel,
        signal,
        onProgress: ({ layer, done, remainingMs }) => progress(layer, done, 1, remainingMs),
        onLayer: (layer) => {
          clearProgress();
          if (!options.json) print(formatLayer(layer));
        },
      }),
    );
    clearProgress();
    if (options.html) await writeOutput('page', options.html, kernelReportPage(report));
    if (report.stopped) note(`stopped: ${report.layers.length} of ${cases.length} layer shapes`);
    if (isBad(report)) process.exitCode ||= 1;
    if (options.json) printJson({ ...report, machine: machineFacts() });
    else print(formatSummary(report));
  });
}

function isBad({ layers }: KernelReport): boolean {
  return layers.some(({ kernels }) => kernels.some(({ status }) => status !== 'timed'));
}

async function casesOf(
  device: Device,
  options: BenchKernelsOptions,
): Promise<readonly LayerCase[]> {
  const graphs = options.shape?.map(parseLayer) ?? [(await buildFromOptions(options)).graph];
  const prepared = await Promise.all(graphs.map((graph) => prepareModel(device, graph, options)));
  const all = prepared.flatMap(layerCases);
  const { layer: wanted } = options;
  if (wanted === undefined) return all;
  const some = all.filter(({ text, names }) => [text, ...names].some((t) => t.includes(wanted)));
  if (some.length > 0) return some;
  const known = all.map(({ text, names }) => `  ${text} (${names[0]})`).join('\n');
  throw new UnsupportedError(`no layer contains "${wanted}"; there are\n${known}`);
}

const HEAD = [
  '',
  'kernel',
  'configuration',
  'ms',
  'spread',
  'GFLOP/s',
  'GB/s',
  'of limit',
  'error',
];

function formatLayer({ layer, names, limitMs, kernels }: LayerReport): string {
  const many = names.length > 1 ? ` and ${names.length - 1} alike` : '';
  const title = `${layer}  (${names[0]}${many}; at least ${limitMs.toFixed(3)} ms)`;
  const bad = kernels.flatMap((kernel) =>
    kernel.status === 'timed'
      ? []
      : [`   ${kernel.kernel} is ${kernel.status}: ${firstLine(kernel.message)}\n`],
  );
  return `${title}\n${formatTable(HEAD, kernels.map(formatKernel))}\n${bad.join('')}`;
}

function formatKernel(result: KernelResult): readonly string[] {
  const variant = [result.chosen ? '>' : '', result.kernel, describeConfig(result.config)];
  if (result.status !== 'timed') return [...variant, result.status];
  return [
    ...variant,
    result.ms.median.toFixed(3),
    percent(spreadOf(result.ms)),
    result.gflops > 0 ? rate(result.gflops) : '',
    rate(result.gigabytesPerSecond),
    percent(result.shareOfLimit),
    result.error.toExponential(0),
  ];
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

/** `123`, `1.93`, `0.0121`: adapters are as far apart as that. */
function rate(billionsPerSecond: number): string {
  return String(Number(billionsPerSecond.toPrecision(3)));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function formatSummary({ adapter, clock, ceilings, layers }: KernelReport): string {
  const bad = layers.flatMap(({ kernels }) => kernels.filter(({ status }) => status !== 'timed'));
  const clocks = {
    gpu: 'the GPU’s timestamps',
    host: 'the host’s clock, with the cost of a submit',
  };
  return [
    `${adapter.name}; times by ${clocks[clock]}`,
    `limits measured    ${ceilings.gflops.toFixed(1)} GFLOP/s of multiply-adds, ${ceilings.gigabytesPerSecond.toFixed(1)} GB/s of copying`,
    '>                  what a session takes; spread: of the middle half of the samples, by the median',
    ...(bad.length > 0 ? [`wrong or failed    ${bad.length}`] : []),
  ].join('\n');
}
