import { element, svg } from '../../dom.ts';
import type { PlannedLayer } from '../../engine/calls.ts';
import { formatMs, formatShare } from '../../format.ts';
import { colorsFor } from './colors.ts';

const WIDTH = 1000;
const HEIGHT = 36;
const TICKS = 5;

/** One run on the GPU from left to right: a dispatch is as wide as it takes long, its colour is its kernel. */
export function timeline(
  layers: readonly PlannedLayer[],
  times: readonly number[],
  onChoose: (index: number) => void,
): HTMLElement {
  const total = times.reduce((sum, ms) => sum + ms, 0) || 1;
  const colors = colorsFor(layers.map(({ kernel }) => kernel));
  let at = 0;
  const bars = layers.map(({ layer, kernel }, i) => {
    const ms = times[i] ?? 0;
    const width = (WIDTH * ms) / total;
    const bar = svg(
      'rect',
      {
        x: at,
        y: 0,
        width: Math.max(width - 0.5, 0.25),
        height: HEIGHT,
        fill: colors.get(kernel),
      },
      svg('title', {}, `${layer}: ${formatMs(ms)}, ${formatShare(ms / total)}, ${kernel}`),
    );
    bar.addEventListener('click', () => onChoose(i));
    at += width;
    return bar;
  });
  const ticks = Array.from({ length: TICKS + 1 }, (_, i) => {
    const tick = element('span', {}, formatMs((total * i) / TICKS));
    tick.style.left = `${(100 * i) / TICKS}%`;
    return tick;
  });
  const legend = [...colors].map(([kernel, color]) => {
    const swatch = element('span', { class: 'swatch' });
    swatch.style.background = color;
    return element('li', {}, swatch, kernel);
  });
  return element(
    'figure',
    { class: 'timeline' },
    svg(
      'svg',
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': `GPU time, ${formatMs(total)} in all; the table below has each layer`,
      },
      ...bars,
    ),
    element('div', { class: 'ticks', 'aria-hidden': 'true' }, ...ticks),
    element('ul', { class: 'legend' }, ...legend),
  );
}
