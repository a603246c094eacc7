import { element } from '../../dom.ts';
import type { PixelShare } from '../../engine/calls.ts';
import { formatShare } from '../../format.ts';

/** What the colours mean, and how much of the picture each covers. */
export function legend(found: readonly PixelShare[]): readonly HTMLElement[] {
  return found.map(({ label, colour, share }) => {
    const swatch = element('span', { class: 'swatch' });
    swatch.style.backgroundColor = `rgb(${colour.join(' ')})`;
    return element(
      'li',
      {},
      swatch,
      element('span', {}, label),
      element('span', { class: 'bar-figure' }, formatShare(share)),
    );
  });
}
