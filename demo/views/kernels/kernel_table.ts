import { describeConfig } from '../../../src/index.ts';
import { element } from '../../dom.ts';
import type { LayerReport } from '../../engine/calls.ts';
import { formatFigure, formatMs, formatShare } from '../../format.ts';

const HEAD = [
  'Kernel',
  'Median',
  'GFLOP/s',
  'GB/s',
  'Of the limit',
  'Sessions take it',
  'Configuration',
];

/** The kernels of one layer, fastest first. */
export function kernelTable({ layer, kernels, limitMs }: LayerReport): HTMLElement {
  const rows = kernels.map((result) => {
    const figures =
      result.status === 'timed'
        ? [
            formatMs(result.ms.median),
            formatFigure(result.gflops),
            formatFigure(result.gigabytesPerSecond),
            formatShare(result.shareOfLimit),
          ]
        : [result.status, '', '', ''];
    return element(
      'tr',
      { title: result.status === 'timed' ? undefined : result.message },
      element('th', { scope: 'row' }, result.kernel),
      ...figures.map((figure) => element('td', { class: 'figure' }, figure)),
      element('td', {}, result.chosen ? 'yes' : ''),
      element('td', { class: 'mono' }, describeConfig(result.config)),
    );
  });
  return element(
    'details',
    { class: 'panel layer-report', open: true },
    element(
      'summary',
      {},
      element('code', {}, layer),
      ` no faster than ${formatMs(limitMs)} by the adapter’s limits`,
    ),
    element(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Kernels of ${layer}` },
      element(
        'table',
        { class: 'data' },
        element(
          'thead',
          {},
          element(
            'tr',
            {},
            ...HEAD.map((text, i) =>
              element('th', { scope: 'col', class: i >= 1 && i <= 4 && 'figure' }, text),
            ),
          ),
        ),
        element('tbody', {}, ...rows),
      ),
    ),
  );
}
