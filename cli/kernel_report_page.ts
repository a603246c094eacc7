/** The report of a kernel benchmark as one HTML file that needs nothing else: data and Chart.js are inside. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { escapeHtml } from '../measure/escape_html.ts';
import {
  type KernelReport,
  layerChart,
  layerChartHeight,
  rooflineChart,
} from '../measure/kernels/index.ts';
import { UnsupportedError } from '../src/index.ts';

/** Throws UnsupportedError where Chart.js is not installed. */
export function kernelReportPage(report: KernelReport): string {
  const { adapter, ceilings, layers } = report;
  const charts = [rooflineChart(report), ...layers.map((layer) => layerChart(report, layer))];
  const bars = layers.map((layer, i) => {
    const bad = layer.kernels.flatMap((kernel) =>
      kernel.status === 'timed'
        ? []
        : [
            `<p class="bad">${escapeHtml(`${kernel.kernel} is ${kernel.status}: ${kernel.message}`)}</p>`,
          ],
    );
    return `<h2>${escapeHtml(layer.layer)}</h2>
<p>${escapeHtml(layer.names.join(', '))}</p>${bad.join('')}
<div style="height:${layerChartHeight(layer)}px"><canvas data-chart="${i + 1}"></canvas></div>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Kernels on ${escapeHtml(adapter.name)}</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h2 { font-size: 1rem; margin: 2.5rem 0 0; overflow-wrap: anywhere; }
p { margin: 0.2rem 0; opacity: 0.75; }
.bad { color: #dc5050; opacity: 1; white-space: pre-wrap; }
</style>
<h1>Kernels on ${escapeHtml(adapter.name)}</h1>
<p>Measured limits: ${ceilings.gflops.toFixed(1)} GFLOP/s of multiply-adds, ${ceilings.gigabytesPerSecond.toFixed(1)} GB/s of copying. ▸ is what a session takes.</p>
<div style="height:480px"><canvas data-chart="0"></canvas></div>
${bars.join('\n')}
<script>${chartLibrary().replaceAll('</script', '<\\/script')}</script>
<script>
const charts = ${JSON.stringify(charts).replaceAll('<', '\\u003c')};
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
Chart.defaults.color = dark ? '#ccc' : '#444';
Chart.defaults.borderColor = dark ? '#333' : '#e4e4e4';
Chart.defaults.plugins.tooltip.callbacks.label = ({ raw, dataset, dataIndex }) => raw.label ?? dataset.notes[dataIndex];
for (const canvas of document.querySelectorAll('canvas')) new Chart(canvas, charts[canvas.dataset.chart]);
</script>
</html>
`;
}

function chartLibrary(): string {
  try {
    const entry = createRequire(import.meta.url).resolve('chart.js');
    return readFileSync(join(dirname(entry), 'chart.umd.js'), 'utf8');
  } catch (cause) {
    throw new UnsupportedError('--html draws with Chart.js: npm install chart.js', { cause });
  }
}
