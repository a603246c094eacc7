import { refractor } from 'refractor/core';
import wgsl from 'refractor/wgsl';
import { element } from '../dom.ts';

/** The little that is read of refractor's syntax trees. */
interface Tree {
  readonly type: string;
  readonly value?: string;
  readonly children?: readonly Tree[];
  readonly properties?: { readonly className?: unknown };
}

/** WGSL with its words coloured. Made of elements, since the page lets no markup be made of strings. */
export function wgslSource(source: string): HTMLElement {
  refractor.register(wgsl);
  const tree = refractor.highlight(withoutGaps(source), 'wgsl') as Tree;
  return element(
    'pre',
    { class: 'wgsl', tabindex: 0, role: 'region', 'aria-label': 'WGSL source' },
    element('code', {}, ...(tree.children ?? []).map(toDom)),
  );
}

/** Lines that a preprocessor left empty. */
function withoutGaps(source: string): string {
  return source.trim().replace(/\n(\s*\n){2,}/g, '\n\n');
}

function toDom({ type, value = '', children = [], properties }: Tree): Node {
  if (type !== 'element') return document.createTextNode(value);
  const classes = properties?.className;
  return element(
    'span',
    { class: Array.isArray(classes) ? classes.join(' ') : undefined },
    ...children.map(toDom),
  );
}
