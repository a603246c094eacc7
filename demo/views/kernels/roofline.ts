import {
  Chart,
  type ChartDataset,
  Legend,
  LinearScale,
  LineElement,
  LogarithmicScale,
  PointElement,
  ScatterController,
  Tooltip,
} from 'chart.js';
import { describeConfig } from '../../../src/index.ts';
import { element } from '../../dom.ts';
import type { BenchEvent, LayerReport } from '../../engine/calls.ts';
import { formatFigure } from '../../format.ts';

type Ceilings = Extract<BenchEvent, { readonly kind: 'ceilings' }>['ceilings'];

/** Data as wide as the axis, in FLOP a byte. */
const LEAST_INTENSITY = 0.05;
const MOST_INTENSITY = 1000;
const COLORS = ['#4c6fd8', '#d9822b', '#2f9e77', '#b5508f', '#8a7a2f', '#5f8fb0', '#a0524a'];

/** `1000`, not `1,000.00`; powers of ten and nothing between. */
const PLAIN_TICKS = {
  maxRotation: 0,
  callback: (value: number | string) =>
    Number.isInteger(Math.round(1e6 * Math.log10(Number(value))) / 1e6) ? String(value) : '',
};

interface Dot {
  readonly x: number;
  readonly y: number;
  readonly text?: string;
}

Chart.register(
  Legend,
  LinearScale,
  LineElement,
  LogarithmicScale,
  PointElement,
  ScatterController,
  Tooltip,
);

/** Speed over arithmetic intensity, both logarithmic: a dot for each kernel, under the limits of the adapter. */
export class Roofline {
  readonly element: HTMLElement;
  readonly #chart: Chart<'scatter', Dot[]>;
  readonly #kernels = new Map<string, ChartDataset<'scatter', Dot[]>>();

  constructor() {
    const canvas = element('canvas', {
      role: 'img',
      'aria-label': 'Roofline: speed over arithmetic intensity; the table below has all figures',
    });
    this.element = element('div', { class: 'roofline panel', hidden: true }, canvas);
    this.#chart = new Chart<'scatter', Dot[]>(canvas, {
      type: 'scatter',
      data: { datasets: [] },
      options: {
        animation: false,
        maintainAspectRatio: false,
        scales: {
          x: {
            type: 'logarithmic',
            min: LEAST_INTENSITY,
            max: MOST_INTENSITY,
            ticks: PLAIN_TICKS,
            title: { display: true, text: 'Arithmetic intensity, FLOP a byte' },
          },
          y: { type: 'logarithmic', ticks: PLAIN_TICKS, title: { display: true, text: 'GFLOP/s' } },
        },
        plugins: {
          tooltip: {
            callbacks: { label: ({ raw }) => (raw as Dot).text ?? 'limit of the adapter' },
          },
        },
      },
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#paint());
  }

  /** Begins anew, with the roof only. */
  begin({ gflops, gigabytesPerSecond }: Ceilings): void {
    this.element.hidden = false;
    this.#kernels.clear();
    const ridge = gflops / gigabytesPerSecond;
    const roof = [
      { x: LEAST_INTENSITY, y: LEAST_INTENSITY * gigabytesPerSecond },
      { x: ridge, y: gflops },
      { x: MOST_INTENSITY, y: gflops },
    ];
    this.#chart.data.datasets = [
      { label: 'limit', data: roof, showLine: true, pointRadius: 0, borderWidth: 2 },
    ];
    const { y } = this.#chart.options.scales ?? {};
    if (y) y.max = 2 * gflops;
    this.#paint();
  }

  add({ layer, flops, bytes, kernels }: LayerReport): void {
    // Layers without multiply-adds are bound by bytes alone, and have no place here.
    if (flops === 0) return;
    for (const result of kernels) {
      if (result.status !== 'timed') continue;
      const config = describeConfig(result.config);
      const text = `${result.kernel} ${config}, ${formatFigure(result.gflops)} GFLOP/s: ${layer}`;
      this.#datasetOf(result.kernel).data.push({ x: flops / bytes, y: result.gflops, text });
    }
    this.#chart.update();
  }

  #datasetOf(kernel: string): ChartDataset<'scatter', Dot[]> {
    const known = this.#kernels.get(kernel);
    if (known) return known;
    const color = COLORS[this.#kernels.size % COLORS.length] ?? '';
    const made = { label: kernel, data: [], backgroundColor: color, pointRadius: 4 };
    this.#kernels.set(kernel, made);
    this.#chart.data.datasets.push(made);
    return made;
  }

  /** In the colours of the page's theme. */
  #paint(): void {
    const { color } = getComputedStyle(this.element);
    const grid = getComputedStyle(this.element).borderTopColor;
    Chart.defaults.color = color;
    for (const scale of Object.values(this.#chart.options.scales ?? {})) {
      Object.assign(scale ?? {}, { grid: { color: grid } });
      Object.assign(scale ?? {}, { ticks: { ...scale?.ticks, color } });
      Object.assign(scale ?? {}, { title: { ...(scale as { title?: object })?.title, color } });
    }
    const legend = this.#chart.options.plugins?.legend;
    if (legend) Object.assign(legend, { labels: { color } });
    const [roof] = this.#chart.data.datasets;
    if (roof) roof.borderColor = color;
    this.#chart.update();
  }
}
