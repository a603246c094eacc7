import { button, element } from '../../dom.ts';
import type { LayerTimes, PlannedLayer } from '../../engine/calls.ts';
import { formatFigure, formatMs, formatShare } from '../../format.ts';

interface Column {
  readonly title: string;
  readonly kind: 'figure' | 'words';
  /** What stands in the row of a dispatch. */
  readonly cell: (layer: PlannedLayer, index: number) => string;
}

/** Every dispatch with its kernel, and with its times where they were measured. */
export function layerTable(
  layers: readonly PlannedLayer[],
  times: LayerTimes | undefined,
  onChoose: (index: number) => void,
): HTMLElement {
  const columns = columnsFor(times);
  const rows = layers.map((layer, i) =>
    element(
      'tr',
      {},
      element(
        'th',
        { scope: 'row' },
        button(layer.layer, () => onChoose(i), { class: 'link', title: 'Show its WGSL' }),
      ),
      ...columns.map(({ kind, cell }) => element('td', { class: kind }, cell(layer, i))),
    ),
  );
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
          element('th', { scope: 'col' }, 'Layer'),
          ...columns.map(({ title, kind }) => element('th', { scope: 'col', class: kind }, title)),
        ),
      ),
      element('tbody', {}, ...rows),
    ),
  );
}

/** Times stand first, where a narrow window does not cut them off. */
function columnsFor(times: LayerTimes | undefined): readonly Column[] {
  const plan: readonly Column[] = [
    {
      title: 'Million multiply-adds',
      kind: 'figure',
      cell: computed(({ multiplyAdds }) => formatFigure(multiplyAdds / 1e6)),
    },
    { title: 'Kernel', kind: 'words', cell: ({ kernel }) => kernel },
    { title: 'Output', kind: 'words', cell: ({ shape }) => shape.join(' × ') },
  ];
  if (!times) return plan;
  const { dispatches } = times;
  const measured: readonly Column[] = [
    { title: 'Time', kind: 'figure', cell: (_, i) => formatMs(dispatches[i]?.ms ?? 0) },
    {
      title: 'GFLOP/s',
      kind: 'figure',
      cell: computed((_, i) => formatFigure(dispatches[i]?.gflops ?? 0)),
    },
    {
      title: 'Of the FMA limit',
      kind: 'figure',
      cell: computed((_, i) => formatShare(dispatches[i]?.shareOfFma ?? 0)),
    },
  ];
  return [...measured, ...plan];
}

/** A figure about multiply-adds, of layers that do some. */
function computed(cell: Column['cell']): Column['cell'] {
  return (layer, i) => (layer.multiplyAdds > 0 ? cell(layer, i) : '–');
}
