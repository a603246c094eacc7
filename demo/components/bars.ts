import { element } from '../dom.ts';
import { formatShare } from '../format.ts';

export interface Bar {
  readonly label: string;
  /** 0 to 1. */
  readonly share: number;
}

interface Row {
  readonly element: HTMLLIElement;
  readonly label: HTMLElement;
  readonly fill: HTMLElement;
  readonly figure: HTMLElement;
}

/** Shares as horizontal bars; the largest stands out. Rows are kept, so that bars move when values change. */
export class Bars {
  readonly element: HTMLElement;
  readonly #rows: Row[] = [];

  constructor(label: string) {
    this.element = element('ol', { class: 'bars', 'aria-label': label });
  }

  show(bars: readonly Bar[]): void {
    const largest = Math.max(...bars.map(({ share }) => share));
    bars.forEach(({ label, share }, i) => {
      const row = this.#row(i);
      row.label.textContent = label;
      row.fill.style.width = `${100 * share}%`;
      row.figure.textContent = formatShare(share);
      row.element.classList.toggle('best', share === largest && share > 0);
    });
    for (const { element: spare } of this.#rows.splice(bars.length)) spare.remove();
  }

  #row(index: number): Row {
    const known = this.#rows[index];
    if (known) return known;
    const label = element('span', { class: 'bar-label' });
    const fill = element('span', { class: 'bar-fill' });
    const figure = element('span', { class: 'bar-figure' });
    const track = element('span', { class: 'bar-track' }, fill);
    const row = { element: element('li', {}, label, track, figure), label, fill, figure };
    this.#rows[index] = row;
    this.element.append(row.element);
    return row;
  }
}
