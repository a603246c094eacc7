/** A report as charts: configurations of Chart.js that are plain data, so that any page can draw them. */
import { describeConfig } from '../../src/index.ts';
import type { KernelReport, LayerReport, TimedKernel } from './report.ts';

/** Of the same kernel in all charts. Readable on white as on black. */
const COLORS = [
  '#4c8bf5',
  '#e8710a',
  '#1e9e6a',
  '#c5408f',
  '#8a63d2',
  '#b58900',
  '#2aa198',
  '#dc5050',
];
const ROOF_COLOR = '#8a8f98';

/** Characters in a line of a label. */
const LABEL_WIDTH = 44;

/** In pixels, as Chart.js draws by default. */
const LINE_HEIGHT = 15;
const LEAST_BAR_HEIGHT = 36;
const AXIS_HEIGHT = 64;

/** A point, with what its tooltip says. */
interface Point {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

/** The roofline: GFLOP/s over operations a byte, with the limits that were measured. */
export function rooflineChart(report: KernelReport): object {
  const kernels = timedKernels(report);
  const roof = roofPoints(report);
  const datasets = kernelNames(report).map((name) => ({
    label: name,
    backgroundColor: colorOf(report, name),
    pointRadius: 5,
    data: kernels
      .filter(({ kernel }) => kernel.kernel === name && kernel.gflops > 0)
      .map(
        ({ layer, kernel }): Point => ({
          x: layer.flops / layer.bytes,
          y: kernel.gflops,
          label: `${layer.layer}: ${describeVariant(kernel)}, ${percent(kernel.shareOfLimit)} of the limit`,
        }),
      ),
  }));
  const line = {
    label: 'limit',
    type: 'line',
    data: roof,
    borderColor: ROOF_COLOR,
    pointRadius: 0,
    borderWidth: 2,
  };
  return {
    type: 'scatter',
    data: { datasets: [...datasets.filter(({ data }) => data.length > 0), line] },
    options: {
      animation: false,
      maintainAspectRatio: false,
      scales: {
        x: {
          type: 'logarithmic',
          title: { display: true, text: 'operations a byte' },
          ticks: { maxRotation: 0, autoSkipPadding: 16 },
        },
        y: { type: 'logarithmic', title: { display: true, text: 'GFLOP/s' } },
      },
    },
  };
}

/** The bandwidth's slope up to the ridge, then the arithmetic's plateau. */
function roofPoints({ ceilings, layers }: KernelReport): readonly Point[] {
  const { gflops, gigabytesPerSecond } = ceilings;
  const ridge = gflops / gigabytesPerSecond;
  const intensities = layers.map(({ flops, bytes }) => flops / bytes).filter((x) => x > 0);
  const at = (x: number): Point => ({
    x,
    y: Math.min(gflops, x * gigabytesPerSecond),
    label: 'limit of this adapter',
  });
  return [Math.min(ridge, ...intensities) / 2, ridge, 2 * Math.max(ridge, ...intensities)].map(at);
}

/**
 * The variants of one layer, fastest first, with the time that the limits allow. What a bar's tooltip says is
 * in `notes` of the dataset.
 */
export function layerChart(report: KernelReport, layer: LayerReport): object {
  const kernels = layer.kernels.filter((kernel) => kernel.status === 'timed');
  const rows = [
    {
      name: named('limit', layer.limitMs),
      ms: layer.limitMs,
      color: ROOF_COLOR,
      note: 'the least that the limits allow',
    },
    ...kernels.map((kernel) => ({
      name: [
        named(`${kernel.chosen ? '▸ ' : ''}${kernel.kernel}`, kernel.ms.median),
        ...wrapped(kernel.config),
      ],
      ms: kernel.ms.median,
      color: colorOf(report, kernel.kernel),
      note: `${kernel.ms.median.toPrecision(3)} ms (${kernel.ms.low.toPrecision(3)} to ${kernel.ms.high.toPrecision(3)}), ${percent(kernel.shareOfLimit)} of the limit`,
    })),
  ];
  return {
    type: 'bar',
    data: {
      labels: rows.map(({ name }) => name),
      datasets: [
        {
          data: rows.map(({ ms }) => ms),
          notes: rows.map(({ note }) => note),
          backgroundColor: rows.map(({ color }) => color),
        },
      ],
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      indexAxis: 'y',
      plugins: { legend: { display: false } },
      scales: {
        x: { min: 0, title: { display: true, text: 'ms, median' } },
        // Every bar has its name, however many lines that takes.
        y: { ticks: { autoSkip: false } },
      },
    },
  };
}

function named(name: string, ms: number): string {
  return `${name}, ${Number(ms.toPrecision(3))} ms`;
}

/** How high a chart must be, in pixels, for the names of its bars not to touch. */
export function layerChartHeight(layer: LayerReport): number {
  const timed = layer.kernels.filter((kernel) => kernel.status === 'timed');
  const lines = Math.max(...timed.map(({ config }) => 1 + wrapped(config).length), 1);
  return AXIS_HEIGHT + (timed.length + 1) * Math.max(LEAST_BAR_HEIGHT, lines * LINE_HEIGHT + 10);
}

/** A configuration in lines that fit beside a chart. */
function wrapped(config: object): readonly string[] {
  const lines: string[] = [];
  for (const part of describeConfig(config)
    .split(/(?<=, )/)
    .filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length <= LABEL_WIDTH)
      lines[lines.length - 1] = last + part;
    else lines.push(part);
  }
  return lines.map((line) => line.trim());
}

function describeVariant({ kernel, config }: TimedKernel): string {
  return [kernel, describeConfig(config)].filter(Boolean).join(': ');
}

function timedKernels({ layers }: KernelReport) {
  return layers.flatMap((layer) =>
    layer.kernels.flatMap((kernel) => (kernel.status === 'timed' ? [{ layer, kernel }] : [])),
  );
}

function kernelNames(report: KernelReport): readonly string[] {
  return [...new Set(timedKernels(report).map(({ kernel }) => kernel.kernel))].sort();
}

function colorOf(report: KernelReport, name: string): string {
  return COLORS[kernelNames(report).indexOf(name) % COLORS.length] ?? ROOF_COLOR;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
