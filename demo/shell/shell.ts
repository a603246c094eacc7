import { element } from '../dom.ts';
import type { ViewEntry } from '../views/view.ts';

/** The head of the page: name, views, adapter, as far as there are any. */
export function shell(views: readonly ViewEntry[], badge: HTMLElement | undefined): HTMLElement {
  const links = views.map(({ name, title }) => element('a', { href: `#${name}` }, title));
  return element(
    'header',
    { class: 'shell' },
    element(
      'a',
      { class: 'brand', href: '#', title: 'Tilewise, a convnet runtime on WebGPU' },
      'Tilewise',
    ),
    ...(links.length > 0 ? [element('nav', { 'aria-label': 'Views' }, ...links)] : []),
    ...(badge ? [badge] : []),
  );
}
