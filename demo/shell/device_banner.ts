import { button, element } from '../dom.ts';
import type { Engine } from '../engine/engine.ts';

/** Says that the device was lost, and when it is back. */
export class DeviceBanner {
  readonly element = element('div', { class: 'banner', role: 'status', 'aria-live': 'polite' });
  #lost = false;

  constructor(engine: Engine) {
    this.element.hidden = true;
    engine.listen((event) => {
      if (event.kind === 'lost') {
        this.#lost = true;
        this.#say('The GPU device was lost. Opening it again …', 'warn');
      } else if (event.kind === 'failed') {
        this.#say('The GPU device was lost and does not open again.', 'bad');
      } else if (this.#lost) {
        this.#lost = false;
        this.#say('The GPU device was lost and is back; everything goes on.', 'good');
      }
    });
  }

  #say(text: string, kind: 'warn' | 'good' | 'bad'): void {
    const close = button('Close', () => {
      this.element.hidden = true;
    });
    const reload = button('Reload the page', () => location.reload());
    const remedies = { warn: [], good: [close], bad: [reload] };
    this.element.className = `banner ${kind}`;
    this.element.replaceChildren(element('span', {}, text), ...remedies[kind]);
    this.element.hidden = false;
  }
}
