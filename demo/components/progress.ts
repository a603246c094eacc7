import { button, element } from '../dom.ts';

/** A long step: what is done, how far it is, and a button that stops it. Hidden while there is none. */
export class ProgressBar {
  readonly element = element('div', { class: 'progress' });
  readonly #bar = element('progress', { max: 1, 'aria-label': 'Progress' });
  readonly #text = element('span', { role: 'status' });
  readonly #cancel = button('Cancel', () => this.cancel());
  #controller: AbortController | undefined;

  constructor() {
    this.element.append(this.#bar, this.#text, this.#cancel);
    this.element.hidden = true;
  }

  /** Whether there is work in progress. */
  get busy(): boolean {
    return !this.element.hidden;
  }

  cancel(): void {
    this.#controller?.abort();
  }

  /** Shows work, cancellable, until it ends; other work cancels it. Answers `undefined` where it was cancelled. */
  async during<T>(text: string, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    this.cancel();
    const controller = new AbortController();
    this.#controller = controller;
    this.show(text);
    this.element.hidden = false;
    try {
      const result = await work(controller.signal);
      return controller.signal.aborted ? undefined : result;
    } catch (error) {
      if (controller.signal.aborted) return undefined;
      throw error;
    } finally {
      if (this.#controller === controller) this.element.hidden = true;
    }
  }

  /** `share` is 0 to 1; without it, the bar only says that something goes on. */
  show(text: string, share?: number): void {
    this.#text.textContent = text;
    if (share === undefined || !Number.isFinite(share)) this.#bar.removeAttribute('value');
    else this.#bar.value = share;
  }
}
