import { element } from '../dom.ts';

/** A place for what went wrong, read out when it appears. */
export class Fault {
  readonly element = element('p', { class: 'fault', role: 'alert' });

  constructor() {
    this.element.hidden = true;
  }

  show(error: unknown): void {
    this.element.textContent = error instanceof Error ? error.message : String(error);
    this.element.hidden = false;
  }

  clear(): void {
    this.element.hidden = true;
  }
}
