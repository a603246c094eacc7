import { element } from '../../dom.ts';
import type { PhotoClass } from '../../engine/calls.ts';
import { formatShare } from '../../format.ts';

/** The likeliest classes as bars that are buttons: the chosen one's heat map is shown. */
export class ClassList {
  readonly element = element('ol', { class: 'classes', 'aria-label': 'The likeliest classes' });
  readonly #onChoose: () => void;
  #classes: readonly PhotoClass[] = [];
  /** By rank, so that the best stays chosen while a video changes. */
  #rank: number | undefined = 0;

  constructor(onChoose: () => void) {
    this.#onChoose = onChoose;
  }

  /** The class whose heat map is to be seen. */
  get chosen(): PhotoClass | undefined {
    return this.#rank === undefined ? undefined : this.#classes[this.#rank];
  }

  show(classes: readonly PhotoClass[]): void {
    this.#classes = classes;
    this.#draw();
  }

  clear(): void {
    this.#rank = 0;
    this.show([]);
  }

  #draw(): void {
    const focused = [...this.element.querySelectorAll('button')].indexOf(
      document.activeElement as HTMLButtonElement,
    );
    const rows = this.#classes.map(({ label, probability }, rank) => {
      const fill = element('span', { class: 'bar-fill' });
      fill.style.width = `${100 * probability}%`;
      const row = element(
        'button',
        { type: 'button', title: 'Show what speaks for it' },
        element('span', { class: 'class-label' }, label),
        element('span', { class: 'bar-figure' }, formatShare(probability)),
        element('span', { class: 'bar-track' }, fill),
      );
      row.setAttribute('aria-pressed', String(rank === this.#rank));
      row.addEventListener('click', () => {
        this.#rank = rank === this.#rank ? undefined : rank;
        this.#draw();
        this.#onChoose();
      });
      return row;
    });
    this.element.replaceChildren(...rows.map((row) => element('li', {}, row)));
    rows[focused]?.focus();
  }
}
