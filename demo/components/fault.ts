import { button, element } from '../dom.ts';
import { isLoss } from '../engine/engine.ts';

/** A place for what went wrong, read out when it appears. */
export class Fault {
  readonly element = element('div', { class: 'fault', role: 'alert' });

  constructor() {
    this.clear();
  }

  /** `again` is what failed: where the device was lost, which is over by then, a button offers it. */
  show(error: unknown, again?: () => void): void {
    const text = error instanceof Error ? error.message : String(error);
    const retry = (): void => {
      this.clear();
      again?.();
    };
    this.element.replaceChildren(
      element('p', {}, text),
      ...(again && isLoss(error) ? [button('Try again', retry)] : []),
    );
    this.element.hidden = false;
  }

  clear(): void {
    this.element.replaceChildren();
    this.element.hidden = true;
  }
}
