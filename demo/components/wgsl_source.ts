import { refractor } from 'refractor/core';
import wgsl from 'refractor/wgsl';
import { element } from '../dom.ts';
import { readableWgsl } from './readable_wgsl.ts';

/** The little that is read of refractor's syntax trees. */
interface Tree {
  readonly type: string;
  readonly value?: string;
  readonly children?: readonly Tree[];
  readonly properties?: { readonly className?: unknown };
}

/** What words of these classes are coloured as: the names of highlights in the style sheet. */
const HIGHLIGHTS: Readonly<Record<string, string>> = {
  comment: 'wgsl-comment',
  keyword: 'wgsl-keyword',
  attributes: 'wgsl-keyword',
  builtin: 'wgsl-name',
  'class-name': 'wgsl-name',
  function: 'wgsl-name',
  'bool-literal': 'wgsl-number',
  'int-literal': 'wgsl-number',
  'float-literal': 'wgsl-number',
  'hex-int-literal': 'wgsl-number',
};

/**
 * WGSL with its words coloured, one listing at a time. Unrolled kernels have ten thousand words: they are ranges of one
 * text, which every browser with WebGPU can colour, and not elements.
 */
export function wgslSource(source: string): HTMLElement {
  const readable = readableWgsl(source);
  const text = document.createTextNode(readable);
  colour(text, readable);
  return element(
    'pre',
    { class: 'wgsl', tabindex: 0, role: 'region', 'aria-label': 'WGSL source' },
    element('code', {}, text),
  );
}

function colour(text: Text, source: string): void {
  refractor.register(wgsl);
  const highlights = new Map<string, Highlight>();
  let at = 0;
  const visit = ({ value = '', children = [], properties }: Tree, around?: string): void => {
    const classes: unknown[] = Array.isArray(properties?.className) ? properties.className : [];
    const name = classes.map((of) => HIGHLIGHTS[String(of)]).find(Boolean) ?? around;
    const begin = at;
    at += value.length;
    if (value && name) rangesOf(name).add(rangeOf(text, begin, at));
    for (const child of children) visit(child, name);
  };
  const rangesOf = (name: string): Highlight => {
    const known = highlights.get(name) ?? new Highlight();
    highlights.set(name, known);
    return known;
  };
  visit(refractor.highlight(source, 'wgsl') as Tree);
  CSS.highlights.clear();
  for (const [name, ranges] of highlights) CSS.highlights.set(name, ranges);
}

function rangeOf(text: Text, startOffset: number, endOffset: number): AbstractRange {
  return new StaticRange({ startContainer: text, startOffset, endContainer: text, endOffset });
}
