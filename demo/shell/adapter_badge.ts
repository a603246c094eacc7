import { button, element } from '../dom.ts';
import type { AdapterReport } from '../engine/calls.ts';
import type { Engine } from '../engine/engine.ts';
import { formatBytes } from '../format.ts';

/** Which adapter computes, always in sight; opens on a click to tell more. */
export class AdapterBadge {
  readonly element: HTMLDetailsElement;
  readonly #summary = element('summary', { 'aria-label': 'Adapter' }, 'opening the GPU …');
  readonly #facts = element('div', { class: 'adapter-facts' });
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.element = element('details', { class: 'adapter' }, this.#summary, this.#facts);
    engine.listen((event) => {
      if (event.kind === 'opened') this.#show(event.adapter);
      else this.#summary.replaceChildren(event.kind === 'lost' ? 'device lost …' : 'no GPU');
    });
    // A click beside it closes it, as people know it from menus.
    addEventListener('click', ({ target }) => {
      if (target instanceof Node && !this.element.contains(target)) this.element.open = false;
    });
  }

  /** The device does not open. */
  fail({ message }: Error): void {
    this.#summary.replaceChildren('no GPU');
    const what = `The GPU device does not open: ${message}`;
    this.#facts.replaceChildren(
      element('p', { role: 'alert' }, what),
      button('Try again', () => location.reload()),
    );
    this.element.open = true;
  }

  #show({ name, software, features, limits }: AdapterReport): void {
    this.#summary.removeAttribute('aria-label');
    this.#summary.replaceChildren(
      element('span', { class: 'adapter-name' }, name),
      element('span', { class: software ? 'tag warn' : 'tag' }, software ? 'software' : 'GPU'),
    );
    const rows = Object.entries(limits).map(([limit, value]) =>
      element(
        'tr',
        {},
        element('th', { scope: 'row' }, limit),
        element('td', {}, formatLimit(limit, value)),
      ),
    );
    this.#facts.replaceChildren(
      element('p', {}, software ? SOFTWARE : 'This adapter computes on a GPU.'),
      element(
        'table',
        {},
        element('caption', {}, 'Limits of the device'),
        element('tbody', {}, ...rows),
      ),
      element('p', { class: 'features' }, `Features: ${features.join(', ')}`),
      button('Lose the device on purpose', () => void this.#engine.call('loseDevice', undefined), {
        title: 'Destroys the GPU device, to see that the page recovers',
      }),
    );
  }
}

const SOFTWARE =
  'This is a software adapter: it computes on the CPU, 10 to 1000 times slower than a GPU would. Check that the browser’s hardware acceleration is on.';

function formatLimit(name: string, value: number): string {
  return name.endsWith('Size') ? formatBytes(value) : value.toLocaleString('en-US');
}
