/** Kernels over the layer shapes of a model: what `bench kernels` measured. */
import type { LayerReport } from '../../measure/kernels/index.ts';
import { facts, percent, table, time } from './markdown.ts';
import type { KernelsFile } from './reports.ts';

const HEAD = [
  'layer',
  'alike',
  'at least',
  'a session takes',
  'median',
  'GFLOP/s',
  'of limit',
  'fastest measured',
];

export function kernelsSection(report: KernelsFile): string {
  const { machine, ceilings, layers, clock } = report;
  return `### Kernels

${facts(machine)}. Limits, measured in the same run: ${ceilings.gflops.toFixed(1)} GFLOP/s of multiply-adds, ${ceilings.gigabytesPerSecond.toFixed(1)} GB/s of copying. Times by ${clock === 'gpu' ? 'the GPU’s timestamps' : 'the host’s clock'}. Above 100 % a kernel needs fewer operations (Winograd), or a cache serves it. The JSON has the configurations.

${table(HEAD, layers.map(row))}
`;
}

function row({ layer, names, limitMs, kernels }: LayerReport): readonly string[] {
  const timed = kernels.filter((kernel) => kernel.status === 'timed');
  const chosen = timed.find((kernel) => kernel.chosen);
  const unusable = kernels.find((kernel) => kernel.chosen && kernel.status !== 'timed');
  const [fastest] = timed;
  return [
    `\`${layer}\``,
    String(names.length),
    time(limitMs),
    ...(chosen
      ? [
          chosen.kernel,
          time(chosen.ms.median),
          chosen.gflops > 0 ? chosen.gflops.toFixed(1) : '',
          percent(chosen.shareOfLimit),
        ]
      : [unusable ? `${unusable.kernel}: ${unusable.status}` : '', '', '', '']),
    fastest !== chosen && fastest
      ? `${fastest.kernel}${fastest.kernel === chosen?.kernel ? ', configured otherwise' : ''}, ${time(fastest.ms.median)}`
      : fastest
        ? 'the same'
        : '',
  ];
}
