import { kindOf } from '../components/file_kind.ts';
import { button, element } from '../dom.ts';
import type { Engine } from '../engine/engine.ts';
import type { View, ViewEntry } from '../views/view.ts';

/** Takes the files that the view in sight does not. */
const TAKES_FILES = 'photos';

/** Shows the view that the address names. Views that were left keep what they hold. */
export class Router {
  readonly #main: HTMLElement;
  readonly #views: readonly ViewEntry[];
  readonly #engine: Engine;
  readonly #loaded = new Map<ViewEntry, Promise<View>>();
  #current: View | undefined;

  constructor(main: HTMLElement, views: readonly ViewEntry[], engine: Engine) {
    this.#main = main;
    this.#views = views;
    this.#engine = engine;
  }

  start(): void {
    addEventListener('hashchange', () => void this.#show());
    void this.#show();
  }

  /** Gives a file to the view in sight, or to the one that takes files. Throws for a file that is for nothing here. */
  async take(file: File): Promise<void> {
    // Throws before another view comes into sight for nothing.
    kindOf(file);
    if (!this.#current?.take) {
      location.hash = TAKES_FILES;
      await this.#show();
    }
    this.#current?.take?.(file);
  }

  async #show(): Promise<void> {
    const entry = this.#wanted();
    if (!entry) return;
    this.#mark(entry);
    const view = await this.#load(entry);
    // Another view may have been chosen while this one was loading.
    if (entry !== this.#wanted() || view === this.#current) return;
    this.#current?.hidden?.();
    this.#current = view;
    this.#main.replaceChildren(view.element);
    view.shown?.();
  }

  #wanted(): ViewEntry | undefined {
    const name = location.hash.slice(1);
    return this.#views.find((view) => view.name === name) ?? this.#views[0];
  }

  #mark({ name, title }: ViewEntry): void {
    document.title = `${title} · Tilewise`;
    for (const link of document.querySelectorAll('header nav a')) {
      if (link.getAttribute('href') === `#${name}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }

  #load(entry: ViewEntry): Promise<View> {
    const known = this.#loaded.get(entry);
    if (known) return known;
    const view = entry.load(this.#engine).catch((error: unknown): View => {
      this.#loaded.delete(entry);
      return brokenView(entry, error);
    });
    this.#loaded.set(entry, view);
    return view;
  }
}

/** Browsers remember code that they could not load until the page is loaded anew. */
function brokenView({ title }: ViewEntry, error: unknown): View {
  const why = error instanceof Error ? error.message : String(error);
  return {
    element: element(
      'div',
      { role: 'alert', class: 'fault' },
      element('p', {}, `“${title}” could not be loaded: ${why}`),
      button('Try again', () => location.reload()),
    ),
  };
}
