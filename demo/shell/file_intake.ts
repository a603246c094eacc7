import { Fault } from '../components/fault.ts';
import { button, element } from '../dom.ts';
import type { Router } from './router.ts';

/** Files that are dropped anywhere on the page, or pasted: the view that takes their kind gets them. */
export class FileIntake {
  /** Says what is wrong with a file that no view takes. */
  readonly element: HTMLElement;
  readonly #router: Router;
  readonly #fault = new Fault();

  constructor(router: Router) {
    this.#router = router;
    const close = button('Close', () => this.#clear());
    this.element = element('div', { class: 'notice' }, this.#fault.element, close);
    this.#clear();
  }

  start(): void {
    addEventListener('dragover', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      markDrop(true);
    });
    addEventListener('dragleave', ({ relatedTarget }) => markDrop(relatedTarget !== null));
    addEventListener('drop', (event) => {
      if (!hasFiles(event)) return;
      // The browser would open it in place of the page.
      event.preventDefault();
      markDrop(false);
      void this.#take(event.dataTransfer?.files);
    });
    addEventListener('paste', (event) => void this.#take(event.clipboardData?.files));
  }

  async #take(files: FileList | undefined): Promise<void> {
    const file = files?.[0];
    if (!file) return;
    this.#clear();
    try {
      await this.#router.take(file);
    } catch (error) {
      this.#fault.show(error);
      this.element.hidden = false;
    }
  }

  #clear(): void {
    this.#fault.clear();
    this.element.hidden = true;
  }
}

/** What else is dragged, such as text, is left to the fields that take it. */
function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes('Files') ?? false;
}

function markDrop(over: boolean): void {
  document.body.classList.toggle('dropping', over);
}
