import { button, element } from '../dom.ts';

/** A place for what went wrong, read out when it appears, with a button that tries again where that may help. */
export class Fault {
  readonly element = element('div', { class: 'fault', role: 'alert' });

  constructor() {
    this.clear();
  }

  show(error: unknown, again?: () => void): void {
    const text = error instanceof Error ? error.message : String(error);
    const retry = (): void => {
      this.clear();
      again?.();
    };
    this.element.replaceChildren(
      element('p', {}, text),
      ...(again ? [button('Try again', retry)] : []),
    );
    this.element.hidden = false;
  }

  clear(): void {
    this.element.replaceChildren();
    this.element.hidden = true;
  }
}
