import { describeConfig } from '../../../src/index.ts';
import { element } from '../../dom.ts';
import type { TuneResult } from '../../engine/calls.ts';
import { formatMs } from '../../format.ts';

const HEAD = ['Layer', 'Before', 'After', 'Times as fast', 'Fastest kernel', 'Configuration'];

/** What tuning found: each shape of layer before and after, and all of them together. */
export function tuneTable(results: readonly TuneResult[]): HTMLElement {
  if (results.length === 0) return nothingTimed();
  const before = results.reduce((sum, { untunedMs }) => sum + untunedMs, 0);
  const after = results.reduce((sum, { ms }) => sum + ms, 0);
  const rows = results.map(({ layer, kernel, config, ms, untunedMs }) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, layer),
      ...[formatMs(untunedMs), formatMs(ms), (untunedMs / ms).toFixed(2)].map((figure) =>
        element('td', { class: 'figure' }, figure),
      ),
      element('td', {}, kernel),
      element('td', { class: 'mono' }, describeConfig(config)),
    ),
  );
  const head = element(
    'tr',
    {},
    ...HEAD.map((text, i) =>
      element('th', { scope: 'col', class: i >= 1 && i <= 3 && 'figure' }, text),
    ),
  );
  return element(
    'section',
    { class: 'panel tuned', 'aria-label': 'Tuned layers' },
    element(
      'p',
      { role: 'status' },
      `${results.length} shapes of layers: ${formatMs(before)} before, ${formatMs(after)} after tuning.`,
    ),
    element(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Tuned layers, one by one' },
      element(
        'table',
        { class: 'data' },
        element('thead', {}, head),
        element('tbody', {}, ...rows),
      ),
    ),
  );
}

function nothingTimed(): HTMLElement {
  return element(
    'section',
    { class: 'panel tuned' },
    element('p', { role: 'status' }, 'All layers are tuned already: nothing was timed.'),
  );
}
