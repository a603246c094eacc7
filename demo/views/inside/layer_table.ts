import { button, element } from '../../dom.ts';
import type { LayerTimes, PlannedLayer } from '../../engine/calls.ts';
import { formatFigure, formatMs, formatShare } from '../../format.ts';

/** The columns from here on are numbers. */
const FIRST_FIGURE = 3;

/** Every dispatch with its kernel, and with its times where they were measured. */
export function layerTable(
  layers: readonly PlannedLayer[],
  times: LayerTimes | undefined,
  onChoose: (index: number) => void,
): HTMLElement {
  const head = [
    'Layer',
    'Output',
    'Kernel',
    'Million multiply-adds',
    ...(times ? ['Time', 'GFLOP/s', 'Of the FMA limit'] : []),
  ];
  const rows = layers.map((layer, i) => {
    const time = times?.dispatches[i];
    const computes = (text: string): string => (layer.multiplyAdds > 0 ? text : '–');
    const figures = [
      computes(formatFigure(layer.multiplyAdds / 1e6)),
      ...(time
        ? [
            formatMs(time.ms),
            computes(formatFigure(time.gflops)),
            computes(formatShare(time.shareOfFma)),
          ]
        : []),
    ];
    return element(
      'tr',
      {},
      element(
        'th',
        { scope: 'row' },
        button(layer.layer, () => onChoose(i), { class: 'link', title: 'Show its WGSL' }),
      ),
      element('td', {}, layer.shape.join(' × ')),
      element('td', {}, layer.kernel),
      ...figures.map((figure) => element('td', { class: 'figure' }, figure)),
    );
  });
  return element(
    'div',
    { class: 'panel scroll layers', tabindex: 0, role: 'region', 'aria-label': 'Layers' },
    element(
      'table',
      { class: 'data' },
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          ...head.map((text, i) =>
            element('th', { scope: 'col', class: i >= FIRST_FIGURE && 'figure' }, text),
          ),
        ),
      ),
      element('tbody', {}, ...rows),
    ),
  );
}
