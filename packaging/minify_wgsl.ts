/** WGSL without what only people read. */
import { type Plugin, parseSync, Visitor } from 'vite';

/** Between operands. What is between two operators stays: `a - -b` would become another program. */
const BLANKS_ROUND_OPERATORS = /(?<=[\w)\]]) ([-+*/%<>=&|^!]{1,3}) (?=[\w(#])/g;
/** Behind commas and the like, and before braces. */
const BLANKS_AT_PUNCTUATION = /(?<=[,;]|[\w)]:) (?=[\w(])|(?<=[\w)]) (?={)/g;

/**
 * Leaves out of built pages what only people read in shaders: lines of comment, indentation, blanks round operators.
 * They are template literals, which no minifier of JavaScript touches.
 */
export function minifyWgsl(): Plugin {
  return {
    name: 'minify-wgsl',
    apply: 'build',
    transform: {
      filter: { id: /\/shaders\/.*\.ts$/ },
      handler: (code, id) => ({ code: minified(code, id), map: null }),
    },
  };
}

export function minified(code: string, id: string): string {
  const plain = code.replaceAll(/^[ \t]*\/\/.*\n/gm, '').replaceAll(/^[ \t]+/gm, '');
  const pieces: string[] = [];
  let from = 0;
  const squeeze = (start: number, end: number): void => {
    pieces.push(plain.slice(from, start), squeezed(plain.slice(start, end)));
    from = end;
  };
  new Visitor({
    // A message is one line, and is left as it is.
    TemplateElement({ start, end }) {
      if (plain.slice(start, end).includes('\n')) squeeze(start, end);
    },
  }).visit(parseSync(id, plain).program);
  return [...pieces, plain.slice(from)].join('');
}

/** Lines that begin with # are directives of the preprocessor; the first may go on from before a placeholder. */
function squeezed(text: string): string {
  return text
    .split('\n')
    .map((line, i) =>
      i === 0 || line.startsWith('#')
        ? line
        : line.replaceAll(BLANKS_ROUND_OPERATORS, '$1').replaceAll(BLANKS_AT_PUNCTUATION, ''),
    )
    .join('\n');
}
